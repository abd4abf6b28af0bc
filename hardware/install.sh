#!/usr/bin/env bash
# Puts a unit on a Raspberry Pi: Raspberry Pi OS of Debian 12 (Bookworm) or 13 (Trixie), 64 bits. docs/manual.md goes through it.
# Once more it changes only what differs. A file that you changed is never overwritten: the new one is put beside as FILE.new.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: sudo hardware/install.sh [OPTIONS]

  --offline DIR    without a network: from a folder that hardware/wheels.sh made on another machine
  --mcp2515 MHZ    a CAN board with an MCP2515 is on the header; MHZ is its crystal's: 8, 12 or 16
  --udp            without the rights for frames: for [radio] kind = "udp" alone
  --kiosk          the driver's page on the Pi's own display, instead of a desktop
  --no-boot        leave config.txt and cmdline.txt of the boot partition as they are
  --boot DIR       the boot partition, if it is neither /boot/firmware nor /boot
  --dry-run        say what would be done, and do nothing
  --uninstall      take it away again; configuration that you changed and recorded sessions stay
  --purge          with --uninstall: those too, and the users
  --help
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here app=/opt/asvkit etc=/etc/asvkit
readonly list=$etc/installed # sha256 and path of what was put in place: how a change of yours is known
offline='' mcp2515='' boot='' dry='' kiosk='' udp='' no_boot='' uninstall='' purge=''
reboot='' kept=()

fail() {
    echo "install.sh: $*" >&2
    exit "${code:-1}"
}
say() { echo "-- $*"; }
run() {
    if [ -n "$dry" ]; then
        printf '   would run:'
        printf ' %q' "$@"
        echo
    else
        "$@"
    fi
}

wrong() { code=2 fail "$* (see --help)"; }
value() { if [ $# -lt 2 ] || [ -z "$2" ]; then wrong "$1 takes a value"; fi; }

while [ $# -gt 0 ]; do
    case $1 in
        --offline) value "$@" && offline=$2 && shift ;;
        --mcp2515) value "$@" && mcp2515=$2 && shift ;;
        --boot) value "$@" && boot=$2 && shift ;;
        --dry-run) dry=1 ;;
        --kiosk) kiosk=1 ;;
        --udp) udp=1 ;;
        --no-boot) no_boot=1 ;;
        --uninstall) uninstall=1 ;;
        --purge) purge=1 ;;
        --help | -h) usage && exit 0 ;;
        *) wrong "$1: no such option" ;;
    esac
    shift
done
case $mcp2515 in '' | 8 | 12 | 16) ;; *) wrong "--mcp2515 $mcp2515: give the crystal's MHz, 8, 12 or 16" ;; esac
[ -z "$purge" ] || [ -n "$uninstall" ] || wrong "--purge goes with --uninstall"
[ -z "$offline" ] || [ -d "$offline" ] || wrong "--offline $offline: no such folder; hardware/wheels.sh makes one"
[ -n "$dry" ] || [ "$(id -u)" = 0 ] || fail "takes root: sudo $0"

# ---- files

digest() { sha256sum <"$1" | cut -d' ' -f1; }
recorded() { [ ! -f "$list" ] || sed -n "s|^\([0-9a-f]\{64\}\)  $1\$|\1|p" "$list"; }
forget() { [ ! -f "$list" ] || run sed -i "\|  $1\$|d" "$list"; }
remember() {
    forget "$1"
    [ -n "$dry" ] || printf '%s  %s\n' "$(digest "$1")" "$1" >>"$list"
}

# put SOURCE TARGET: in place, unless somebody changed it
put() {
    local source=$1 target=$2 was
    if [ -e "$target" ]; then
        if cmp -s "$source" "$target"; then
            [ "$(recorded "$target")" = "$(digest "$target")" ] || remember "$target"
            return
        fi
        was=$(recorded "$target" || true)
        if [ "$was" != "$(digest "$target")" ]; then
            say "$target was changed: left as it is; what is new stands in $target.new"
            run install -m 644 "$source" "$target.new"
            return
        fi
    fi
    say "$target"
    run install -D -m 644 "$source" "$target"
    remember "$target"
    changed=1
}

# take TARGET: away, unless somebody changed it
take() {
    [ ! -e "$1.new" ] || run rm -f "$1.new"
    if [ -e "$1" ]; then
        if [ -n "$purge" ] || [ "$(recorded "$1" || true)" = "$(digest "$1")" ]; then
            say "away: $1"
            run rm -f "$1"
        else
            kept+=("$1")
        fi
    fi
    forget "$1"
}

# what goes where, beside unit.toml and the boot partition
files() {
    local system=/etc/systemd
    cat <<TEXT
$here/asvkit.service $system/system/asvkit.service
$here/asvkit-radio@.service $system/system/asvkit-radio@.service
$here/system/80-asvkit-can.network $system/network/80-asvkit-can.network
$here/system/journald.conf $system/journald.conf.d/asvkit.conf
$here/system/watchdog.conf $system/system.conf.d/asvkit.conf
$here/system/modules-load.conf /etc/modules-load.d/asvkit.conf
$here/70-asvkit.rules /etc/udev/rules.d/70-asvkit.rules
$here/70-asvkit-radio.rules /etc/udev/rules.d/70-asvkit-radio.rules
TEXT
}
readonly udp_rights=/etc/systemd/system/asvkit.service.d/10-udp.conf
readonly kiosk_unit=/etc/systemd/system/asvkit-kiosk.service

systemd_runs() { [ -d /run/systemd/system ]; }
systemctl_if() { # what needs a systemd that runs, as in no container
    if [ -n "$dry" ] || systemd_runs; then run systemctl "$@"; fi
}

# ---- the boot partition

find_boot() {
    local folder
    for folder in ${boot:+"$boot"} /boot/firmware /boot; do
        [ -f "$folder/config.txt" ] && boot=$folder && return
        [ -z "$boot" ] || fail "$folder: no config.txt there; name the boot partition, or --no-boot"
    done
    boot=''
}

# rewrite FILE: its new text from stdin; the first one stays beside. Whole or not at all, should the power go
rewrite() {
    local beside=" (as it was: $1.before-asvkit)"
    [ -z "$uninstall" ] || beside=''
    say "$1$beside"
    reboot=1
    if [ -n "$dry" ]; then
        cat >/dev/null
        return
    fi
    [ -n "$uninstall" ] || [ -e "$1.before-asvkit" ] || cp "$1" "$1.before-asvkit"
    cat >"$1.asvkit-new"
    sync "$1.asvkit-new"
    mv "$1.asvkit-new" "$1"
}

boot_files() {
    local fragment words word new='' gone=''
    if [ -z "$boot" ]; then
        say "no config.txt in /boot/firmware or /boot: not a Raspberry Pi's boot partition; serial line and watchdog stay as they are"
        return
    fi
    fragment=$(mktemp)
    if [ -n "$mcp2515" ]; then
        sed "s/^#mcp2515 //; s/oscillator=[0-9]*/oscillator=${mcp2515}000000/" "$here/boot/asvkit.txt" >"$fragment"
    elif grep -q '^dtoverlay=mcp2515' "$boot/asvkit.txt" 2>/dev/null; then # as it was told before
        local before
        before=$(sed -n 's/^dtoverlay=mcp2515.*oscillator=\([0-9]*\).*/\1/p' "$boot/asvkit.txt")
        sed "s/^#mcp2515 //; s/oscillator=[0-9]*/oscillator=$before/" "$here/boot/asvkit.txt" >"$fragment"
    else
        cp "$here/boot/asvkit.txt" "$fragment"
    fi
    changed=''
    put "$fragment" "$boot/asvkit.txt"
    rm -f "$fragment"
    [ -z "$changed" ] || reboot=1
    if ! grep -qx 'include asvkit.txt' "$boot/config.txt"; then
        # Behind what may be meant for one model alone; awk sees to a last line without its end
        rewrite "$boot/config.txt" < <(awk 1 "$boot/config.txt" && printf '[all]\ninclude asvkit.txt\n')
    fi
    # A console on the receiver's line would talk into it
    if [ -f "$boot/cmdline.txt" ]; then
        read -r -a words <"$boot/cmdline.txt" || true
        for word in "${words[@]}"; do
            case $word in
                console=serial0,* | console=ttyAMA0,* | console=ttyS0,*) gone+="${gone:+ }$word" ;;
                *) new+="${new:+ }$word" ;;
            esac
        done
        if [ -n "$gone" ]; then
            rewrite "$boot/cmdline.txt" <<<"$new"
            [ -n "$dry" ] || echo "$gone" >$etc/console
        fi
    fi
}

boot_files_away() {
    [ -n "$boot" ] || return 0
    if grep -qx 'include asvkit.txt' "$boot/config.txt"; then
        # With the line before it that came with it
        rewrite "$boot/config.txt" < <(
            awk '{ if (held && $0 != "include asvkit.txt") print "[all]"; held = 0 }
                 $0 == "[all]" { held = 1; next } $0 != "include asvkit.txt" { print } END { if (held) print "[all]" }' \
                "$boot/config.txt"
        )
    fi
    take "$boot/asvkit.txt"
    if [ -s $etc/console ] && [ -f "$boot/cmdline.txt" ]; then
        rewrite "$boot/cmdline.txt" <<<"$(cat $etc/console) $(cat "$boot/cmdline.txt")"
        run rm -f $etc/console
    fi
    local file
    for file in "$boot"/{config,cmdline}.txt.before-asvkit; do [ ! -e "$file" ] || run rm -f "$file"; done
}

# ---- away

[ -n "$no_boot" ] || find_boot
if [ -n "$uninstall" ]; then
    say "services"
    for unit in asvkit-kiosk asvkit; do
        [ -e /etc/systemd/system/$unit.service ] || continue
        systemctl_if stop $unit
        run systemctl disable -q $unit
    done
    for file in /etc/systemd/system/sys-subsystem-net-devices-*.device.wants/asvkit-radio@*.service; do
        [ ! -L "$file" ] || run systemctl disable -q "$(basename "$file")"
    done
    if [ -e $etc/networkd ]; then # it was this that enabled it
        systemctl_if stop systemd-networkd.socket systemd-networkd
        run systemctl disable -q systemd-networkd
        run rm -f $etc/networkd
    fi
    [ -n "$no_boot" ] || boot_files_away
    while read -r _ target; do take "$target"; done < <(files)
    take $udp_rights
    take $kiosk_unit
    [ ! -d "${udp_rights%/*}" ] || run rmdir --ignore-fail-on-non-empty "${udp_rights%/*}"
    [ ! -d $app ] || say "away: $app"
    [ ! -d $app ] || run rm -rf $app
    [ "$(readlink /usr/local/bin/asvkit || true)" != $app/bin/asvkit ] || run rm -f /usr/local/bin/asvkit
    if [ -n "$purge" ]; then
        say "away: $etc, /var/lib/asvkit with all sessions, the users"
        run rm -rf $etc /var/lib/asvkit
        for user in asvkit asvkit-kiosk; do ! getent passwd $user >/dev/null || run userdel $user; done
    else
        take $etc/unit.toml
        if [ -f $list ] && [ ! -s $list ]; then run rm -f $list; fi
        [ ! -d $etc ] || run rmdir --ignore-fail-on-non-empty $etc
        [ ! -d /var/lib/asvkit ] || kept+=(/var/lib/asvkit)
    fi
    systemctl_if daemon-reload
    [ ${#kept[@]} = 0 ] || say "left, since it is yours: ${kept[*]}; with --purge it goes too"
    [ -z "$reboot" ] || say "restart the Pi: sudo reboot"
    exit 0
fi

# ---- the machine

release=$(sed -n 's/^VERSION_ID="\?\([^"]*\)"\?$/\1/p' /etc/os-release 2>/dev/null || true)
case $release in
    12 | 13) ;;
    *) say "Debian ${release:-of no number}: tried with 12 (Bookworm); the steps may differ here" ;;
esac
machine=$(uname -m)
case $machine in
    aarch64 | x86_64) ;;
    *) fail "$machine: parts of the unit are made for 64 bits alone; write the 64-bit Raspberry Pi OS to the card" ;;
esac
python=$(command -v python3) || fail "no python3: sudo apt install python3"
version=$($python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "Python $version: 3.11 or newer is needed"

packages=()
[ -n "$offline" ] || $python -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
if [ -n "$kiosk" ]; then
    command -v cage >/dev/null || packages+=(cage)
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null || packages+=(chromium)
fi
if [ ${#packages[@]} -gt 0 ]; then
    [ -z "$offline" ] || fail "${packages[*]}: not installed, and --offline brings none; install it first, or leave --kiosk out"
    say "packages: ${packages[*]}"
    run apt-get update -qq
    run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi

# ---- what is installed from

wheel='' sources=()
if [ -n "$offline" ]; then
    offline=$(cd "$offline" && pwd)
    for file in "$offline"/asvkit-*.whl; do [ ! -f "$file" ] || wheel=$file; done
    [ -n "$wheel" ] || fail "$offline: no asvkit-*.whl in it; hardware/wheels.sh makes such a folder"
    made=$(cat "$offline/made-for" 2>/dev/null || true)
    [ -z "$made" ] || [ "$made" = "$machine $version" ] || fail "$offline is for $made; this is $machine $version: wheels.sh --machine $machine --python $version DIR"
    for file in "$offline"/pip-*.whl; do [ ! -f "$file" ] || pip=$file; done
    [ -n "${pip:-}" ] || fail "$offline: no pip-*.whl in it; hardware/wheels.sh makes such a folder"
    sources=(--no-index --find-links "$offline")
    wanted=$wheel
else
    wanted=$(dirname "$here")
    [ -f "$wanted/pyproject.toml" ] || fail "$wanted: no checkout of asvkit; run the script in one, or give --offline DIR"
fi
for pins in "$offline/run.txt" "$here/../requirements/run.txt"; do
    if [ -f "$pins" ]; then
        sources+=(--constraint "$pins")
        break
    fi
done

# ---- users, program

for group in dialout gpio; do
    getent group $group >/dev/null || { say "group $group" && run groupadd --system $group; }
done
if ! getent passwd asvkit >/dev/null; then
    say "user asvkit"
    run useradd --system --user-group --no-create-home --home-dir /var/lib/asvkit --shell /usr/sbin/nologin asvkit
fi
run install -d $etc

say "$app: asvkit and what it needs${offline:+, from $offline}"
run env -u PYTHONPATH "$python" -m venv ${offline:+--without-pip} $app
installer=("$app/bin/python" -m pip)
[ -z "$offline" ] || installer=(env PYTHONPATH="$pip" "$app/bin/python" -m pip)
run "${installer[@]}" --disable-pip-version-check -q install "${sources[@]}" "${wanted}[pi]"
# The same version from other sources: the rest stays
run "${installer[@]}" --disable-pip-version-check -q install "${sources[@]}" --no-deps --force-reinstall "$wanted"
run ln -sfn $app/bin/asvkit /usr/local/bin/asvkit

# ---- files

changed=''
put "$here/unit.toml" $etc/unit.toml
while read -r source target; do put "$source" "$target"; done < <(files)
if [ -n "$udp" ]; then
    rights=$(mktemp)
    printf '[Service]\nAmbientCapabilities=\nCapabilityBoundingSet=\nRestrictAddressFamilies=~AF_PACKET\n' >"$rights"
    put "$rights" $udp_rights
    rm -f "$rights"
fi
if [ -n "$kiosk" ]; then
    if ! getent passwd asvkit-kiosk >/dev/null; then
        say "user asvkit-kiosk"
        run useradd --system --user-group --no-create-home --home-dir /run/asvkit-kiosk --shell /usr/sbin/nologin asvkit-kiosk
    fi
    put "$here/asvkit-kiosk.service" $kiosk_unit
fi
[ -n "$no_boot" ] || boot_files

# ---- services

systemctl_if daemon-reload
if ! systemctl is-enabled -q systemd-networkd 2>/dev/null && [ -e /usr/lib/systemd/system/systemd-networkd.service ]; then
    say "systemd-networkd, for CAN alone: other interfaces stay with whom they are"
    run systemctl enable -q systemd-networkd
    run systemctl disable -q systemd-networkd-wait-online # nothing may wait for a bus
    [ -n "$dry" ] || touch $etc/networkd
    systemctl_if start systemd-networkd
fi
run systemctl enable -q asvkit
[ -z "$kiosk" ] || run systemctl enable -q asvkit-kiosk
if [ -n "$dry" ] || [ -S /run/udev/control ]; then
    run udevadm control --reload
    run udevadm trigger --subsystem-match=tty --subsystem-match=gpio
fi
if [ -n "$dry" ] || systemd_runs; then
    run systemctl restart asvkit
    [ -z "$kiosk" ] || run systemctl restart asvkit-kiosk
fi

if [ -n "$dry" ]; then
    say "nothing was done"
else
    say "done: $(/usr/local/bin/asvkit --version)"
    [ -z "$reboot" ] || say "restart the Pi, for the serial line and the watchdog: sudo reboot"
    say "next: asvkit doctor --config $etc/unit.toml; then docs/manual.md, A first warning on the desk"
fi
