// Japanese words of the pages; the body is JSON.
export default {
  "level": {"none": "なし", "information": "情報提供", "caution": "注意喚起", "warning": "警報"},
  "function": {
    "none": "", "crossing": "出会い頭", "right_turn": "対向車", "left_turn": "後方車両",
    "surrounding": "周辺車両", "emergency": "緊急車両"
  },
  "direction": {"left": "左", "right": "右", "both": "左右"},
  "from": {"left": "左から", "right": "右から", "both": "左右から"},
  "why_gone": {
    "connecting": "支援ユニットに接続中です", "stopped": "支援ユニットが停止しました",
    "silent": "支援ユニットから応答がありません", "lost": "支援ユニットに接続されていません",
    "too_many": "接続画面が多すぎます"
  },
  "input": {
    "gnss": "測位（GNSS）", "can": "車両（CAN）", "radio": "無線", "supports": "他システム",
    "hmi": "ランプ・音", "clock": "時計", "unit": "ユニット"
  },
  "input_short": {
    "gnss": "測位", "can": "車両信号", "radio": "無線", "supports": "他システム",
    "hmi": "ランプ・音", "clock": "時計", "unit": "ユニット"
  },
  "state": {
    "ok": "正常", "silent": "無応答", "stale": "更新停止", "implausible": "不合理", "disconnected": "切断",
    "overloaded": "過負荷", "off": "オフ", "unknown": "不明"
  },
  "signal": {
    "speed": "速度", "brake": "制動灯", "winker": "方向指示器", "hazard": "ハザード", "shift": "シフト",
    "accelerator": "アクセル", "acceleration": "加速度", "yaw_rate": "ヨーレート", "emergency": "赤色灯"
  },
  "kind": {
    "bus": "バス", "large_truck": "大型貨物車", "truck": "貨物車", "special": "特殊車両", "car": "乗用車",
    "motorcycle": "自動二輪車", "moped2": "原付二種", "moped1": "原付一種", "bicycle": "自転車",
    "light_vehicle": "軽車両", "pedestrian": "歩行者", "tram": "路面電車", "other": "その他"
  },
  "cause": {
    "frame": "受信電文", "signal": "車両信号", "fix": "測位", "support": "他システム",
    "switch": "スイッチ", "cycle": "周期", "due": "予定時刻"
  },
  "origin": {"autonomous": "自車センサ", "roadside": "路側機", "function": "機能全体"},
  "input_reason": {
    "gnss.no_input": "受信機からまだ何も届いていません", "gnss.timeout": "受信機から何も届きません",
    "gnss.void": "測位できていません", "gnss.no_fix": "測位できていません",
    "gnss.frozen": "同じ位置が繰り返されています", "gnss.time_repeated": "古い測位が繰り返されています",
    "gnss.not_configured": "受信機が設定されていません", "can.no_input": "車両からまだ何も届いていません",
    "can.timeout": "車両から何も届きません", "can.implausible": "車両信号があり得ない値です",
    "radio.no_input": "電文をまだ受信していません", "radio.timeout": "電文を受信していません",
    "radio.not_configured": "無線は使われていません", "hmi.not_configured": "ランプが設定されていません",
    "can.not_configured": "車両バスが設定されていません", "supports.not_configured": "他システムが設定されていません"
  },
  "reason": {
    "none": "なし", "l3_reached": "L3以内", "l4_reached": "L4以内", "l4_star_reached": "L4*以内",
    "late_l3": "初回判定時にL3以内", "late_l4": "初回判定時にL4以内",
    "target_passed": "相手が通過した", "target_lost": "受信途絶：直前の動きで継続",
    "target_slow": "相手が遅すぎる", "target_data": "相手の位置・速度・方位が不明",
    "ego_started": "自車が発進した", "ego_too_fast": "自車が速すぎる", "ego_not_stopped": "自車が停止していない",
    "ego_position_unknown": "自車位置が不明", "ego_speed_unknown": "自車速度が不明",
    "heading_unknown": "自車方位が不明", "error_unbounded": "位置誤差が大きすぎる",
    "information_ended": "3秒間表示した", "hold_over": "3秒間の継続が終わった", "lost_limit": "10秒間受信していない",
    "displaced": "より危険な相手がいる", "resumed": "条件が再び成立", "too_far": "遠すぎる",
    "angle": "進路の角度が対象外", "not_ahead": "前方で進路が交わらない",
    "before_l3": "L3に未到達", "ready": "準備完了", "no_input": "まだ何も届いていない",
    "timeout": "届かなくなった", "void": "測位できていない", "no_fix": "測位できていない", "out_of_range": "範囲外",
    "no_position": "位置がない", "not_codable": "この場所は符号化できない", "received": "受信中",
    "not_configured": "設定されていない", "implausible": "不合理", "frozen": "同じ位置の繰り返し",
    "error_grown": "位置誤差が増大", "unknown": "不明", "time_repeated": "古い時刻の繰り返し",
    "date_implausible": "あり得ない日付", "length": "長さが不正", "version": "未知の版",
    "own_frame": "自車の電文", "duplicate": "重複", "reordered": "順序の乱れ",
    "table_full": "より重要な相手がいる", "counter_stuck": "カウンタが進まない", "new": "新規", "gone": "受信が終わった",
    "emergency_unverified": "緊急フラグ未検証", "winker_off": "方向指示器オフ",
    "winker_unknown": "方向指示器が不明", "turn_begun": "旋回を始めた", "ego_standing": "自車が停止中",
    "lateral": "離れた側方を通る", "not_two_wheeler": "二輪車ではない", "target_fell_back": "相手が後退した",
    "in_range": "範囲内", "receding": "近づいていない", "target_standing": "相手が停止中",
    "packets_stopped": "受信が途絶えた", "no_junction": "地図上に交差点がない",
    "ego_priority": "地図上は自車が優先", "twin": "同一IDの車両が2台", "jump": "位置が飛んだ",
    "target_frozen": "相手の位置が変わらない", "clock_disagrees": "時計が一致しない",
    "own_id": "他車が自車のIDを使用", "superseded": "別の支援が伝えている",
    "not_emergency": "活動中の緊急車両ではない", "external": "他システムからの支援",
    "external_ended": "他システムが終了した", "external_stale": "他システムの支援が途絶えた",
    "not_requested": "運転者が求めていない",
    "off": "設定でオフ", "unsigned": "有効な署名がない", "running": "動作中",
    "connected": "接続済み", "absent": "機器がない", "unplugged": "機器が抜かれた", "down": "インターフェースが停止中",
    "no_permission": "権限がない", "in_use": "他のプログラムが使用中", "cannot_open": "開けない",
    "cannot_send": "送信できない", "cannot_show": "表示できない", "failing": "読み取りに失敗",
    "bus_off": "バスオフ", "error_passive": "バス上はエラーのみ", "silent_bus": "バスが無音",
    "not_ocb": "OCBモードではない", "not_monitor": "モニタではない", "mtu_too_small": "MTUが小さすぎる",
    "no_gpsd": "gpsdが応答しない", "no_receiver": "gpsdに受信機がない", "no_device": "gpsdにその機器がない",
    "stepped": "システム時計が変更された", "steady": "安定", "showing": "表示中", "signed": "署名済み",
    "no_clock": "信頼できる時刻がない", "input_lost": "入力を取りこぼした", "events_not_written": "イベントを書き込めない",
    "capture_not_written": "記録を書き込めない", "flooded": "電文が多すぎる",
    "overflow": "待ち行列があふれた", "stale_input": "古い入力を捨てた",
    "stale": "古い入力を捨てた", "shed": "処理が間に合わない", "too_many": "一度に多すぎる"
  },
  "lines": {
    "gone_support": "現在、運転支援は行われていません", "gone_retry": "自動的に再接続します",
    "on": "システム作動中", "not_on": "システム停止", "receiving": "受信中", "not_receiving": "受信していません",
    "fault": "故障", "fault_of": "故障：{what}", "muted": "消音中", "self_test": "自己診断",
    "self_test_text": "ランプと音を確認しています",
    "states": "システムの状態", "radio_only": "通信機のある車両のみ表示", "not_received": "受信していないため車両を表示できません",
    "birdseye": "俯瞰図。中央が自車。通信機のある車両だけを表示しています。",
    "birdseye_count": "通信機のある車両{n}台を表示中。", "birdseye_one": "通信機のある車両1台を表示中。",
    "birdseye_nearest": "最も関係する相手：{kind}、{distance} m、{where}{level}。",
    "ahead": "前方", "behind": "後方", "ahead_left": "左前方", "ahead_right": "右前方",
    "behind_left": "左後方", "behind_right": "右後方", "left": "左側", "right": "右側",
    "no_own_position": "自車位置が不明のため、他車両を表示できません", "no_scene": "俯瞰図は利用できません", "north_up": "自車方位が不明：上が北です",
    "north": "北", "metres": "{n} m", "more": "他{n}台", 
    "ego": "自車", "and_level": "、{level}", "stop": "。",
    "bench": "ベンチモニタ", "vehicle_id": "車両 {id}", "nothing_told": "現在の支援表示はありません",
    "neighbours": "周辺の通信車両", "inputs": "入力", "signals": "車両信号", "latency": "遅延",
    "latency_statistics": "全体の遅延", "explanations": "判定の説明", "radio": "無線", "own_message": "自車の電文",
    "empty": "データはまだ届いていません",
    "id": "ID", "source": "送信元", "kind": "種別", "level": "レベル", "function": "支援", "distance": "距離 m",
    "where": "前／右 m", "speed": "km/h", "course": "方位 °", "age": "経過 ms", "error": "誤差 m", "ttc": "TTC s",
    "reason": "理由", "input": "入力", "state": "状態", "since": "開始", "detail": "詳細", "signal": "信号",
    "bus": "バス", "cause": "要因", "parsed": "解析", "taken": "取得", "decoded": "復号",
    "judged": "判定", "decided": "決定", "commanded": "指示", "lit": "光", "sounded": "音", "written": "全出力",
    "share": "0.3秒比", "hop": "区間", "count": "件数", "p50": "p50", "p95": "p95", "p99": "p99", "max": "最大", "time": "時刻",
    "presented": "提示", "yes": "はい", "no": "いいえ", "explanation": "説明", "figure": "項目", "value": "値",
    "ms": "ms",
    "frame_to_table": "電文から表まで", "frame_to_judged": "電文から判定まで", "cause_to_pin": "要因から出力まで",
    "cycle_late": "周期の遅れ", "send_late": "送信の遅れ",
    "vehicles": "受信した車両", "frames_per_s": "毎秒の電文", "arrival_percent": "到達率 %",
    "longest_gap_ms": "最長の途切れ ms", "worst_vehicle_id": "最も悪い車両", "worst_source": "その送信元", "worst_percent": "その到達率 %",
    "position": "位置", "own_state": "状態", "sent": "送信中", "not_sent": "送信していません：{why}",
    "lamps": "点灯中のランプ", "sound": "音", "tone": "{n} Hz", "silence": "無音", "numbers": "{distance} m − 誤差 {error} m = {corrected} m",
    "limit": "、しきい値 {n} m", "dark": "消灯"
  },
  "lamp": {
    "system": "作動", "receiving": "受信", "fault": "故障", "information": "情報提供", "caution": "注意喚起",
    "warning": "警報", "left": "左", "right": "右"
  }
};
