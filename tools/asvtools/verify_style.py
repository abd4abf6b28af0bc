"""Looks and manners of the report's page: style sheet and the filter's few lines of script."""

from typing import Final

STYLE: Final = """
:root{--ink:#1c2530;--soft:#5b6775;--line:#dde2e8;--head:#f3f5f8;--blue:#1f5fbf;--amber:#b36b00;--green:#1d7a46;--red:#b3261e}
*{box-sizing:border-box}
html{scroll-padding-top:5.5rem}
body{margin:0 auto;max-width:1280px;padding:1.6rem 1.8rem 4rem;color:var(--ink);background:#fff;
 font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",Helvetica,Arial,sans-serif}
h1{font-size:1.55rem;margin:0 0 .3rem;letter-spacing:-.01em}
h2{font-size:1.2rem;margin:2.2rem 0 .6rem}
h3{font-size:1.05rem;margin:0 0 .15rem}
header p{max-width:76ch;color:var(--soft);margin:.3rem 0}
header .verdict{font-weight:600;font-size:1.05rem}
.verdict.good{color:var(--green)}.verdict.failed{color:var(--red)}
code{font:.86em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
a{color:var(--blue);text-decoration:none}a:hover{text-decoration:underline}
#summary{display:flex;flex-wrap:wrap;gap:.6rem;margin:1.2rem 0}
.tile{font:inherit;font-size:.82rem;color:var(--soft);text-align:left;background:#fff;border:1px solid var(--line);
 border-left:4px solid var(--line);border-radius:6px;padding:.5rem .8rem;min-width:7.4rem;max-width:11rem}
.tile b{display:block;font-size:1.45rem;line-height:1.2;color:var(--ink);font-variant-numeric:tabular-nums}
button.tile{cursor:pointer}button.tile:hover,button.tile.on{background:var(--head)}
.tile.met,.tile.tested{border-left-color:var(--green)}.tile.open{border-left-color:var(--amber)}.tile.failed{border-left-color:var(--red)}
#filter{position:sticky;top:0;z-index:2;background:#fff;padding:.55rem 0;display:flex;gap:.7rem;align-items:center;height:3.2rem}
#filter input{font:inherit;flex:0 1 26rem;min-width:0;padding:.35rem .6rem;border:1px solid #b9c2cd;border-radius:6px}
#filter button{font:inherit;padding:.35rem .7rem;border:1px solid var(--line);border-radius:6px;background:var(--head);cursor:pointer}
#shown{color:var(--soft);font-size:.85rem}
table{border-collapse:separate;border-spacing:0;width:100%;font-size:.87rem}
th{text-align:left;font-weight:600;background:var(--head);border-bottom:1px solid var(--line);padding:.4rem .55rem;white-space:nowrap}
.rows thead th{position:sticky;top:3.2rem;z-index:1}
td{border-bottom:1px solid var(--line);padding:.42rem .55rem;vertical-align:top}
td p{margin:.1rem 0}td div{margin:.1rem 0}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.id,.clause{white-space:nowrap;color:var(--soft);font-variant-numeric:tabular-nums}
.clause{white-space:normal;min-width:7.5rem}
#clauses td:nth-child(4){min-width:20rem}
#clauses td:nth-child(6){min-width:16rem;overflow-wrap:anywhere}
.why,.test,.name{color:var(--soft)}
.status{display:inline-block;font-size:.8em;font-weight:600;white-space:nowrap;border-radius:4px;padding:.08rem .4rem;background:var(--head);color:var(--soft)}
.status.met,.status.tested,.status.good{background:#e5f4eb;color:var(--green)}
.status.open{background:#fdf1dd;color:var(--amber)}.status.failed{background:#fbe6e4;color:var(--red)}
#clauses .status{white-space:normal;max-width:7.5rem}
.margin{font-weight:600}
.margin.wide{background:#e5f4eb;color:var(--green)}.margin.tight{background:#fdf1dd;color:var(--amber)}
.margin.out{background:#f7c9c5;color:var(--red)}
details summary{cursor:pointer;color:var(--blue)}
td details{display:inline}td details[open]{display:block}
.scenario{border-top:2px solid var(--line);margin-top:2rem;padding-top:1.1rem}
.scenario p{margin:.15rem 0 .5rem;max-width:90ch}
figure{margin:1rem 0 .6rem}figcaption{color:var(--soft);font-size:.82rem;margin-left:3.3rem}
.told{margin-top:.6rem;font-size:.92em}
svg.plot{width:100%;max-width:860px;height:auto;display:block;font:11px system-ui,"Segoe UI",Roboto,Arial,sans-serif}
svg text{fill:var(--soft)}svg .note{font-size:9.5px}svg .on{fill:#fff;font-weight:600}
svg .grid{stroke:#e8ecf0;fill:none}svg .zero{stroke:#9aa5b1;fill:none}
svg .d{stroke:var(--ink);stroke-width:2;fill:none}
svg .l3{stroke:#2f74d6;stroke-width:1.6;fill:none;stroke-dasharray:6 3}
svg .l4{stroke:#d08400;stroke-width:1.6;fill:none;stroke-dasharray:2 3}
svg .t{stroke:#7a3fb5;stroke-width:2;fill:none}svg .e{fill:#fff;stroke:#7a3fb5;stroke-width:1.8}
svg .due{fill:#8895a5;fill-opacity:.22}
svg .information{fill:#2f74d6}svg .caution{fill:#d08400}
@media print{body{max-width:none;padding:0;font-size:10pt}#filter{display:none}.rows thead th{position:static}
 thead{display:table-header-group}tr,figure,h3{break-inside:avoid}h2,h3{break-after:avoid}
 #clauses td:nth-child(4),#clauses td:nth-child(6){min-width:0}.scenario{break-before:auto}
 *{-webkit-print-color-adjust:exact;print-color-adjust:exact}a{color:inherit}}
@page{margin:14mm}
"""

SCRIPT: Final = """
const text=document.getElementById("text"),shown=document.getElementById("shown");let status="";
const rows=[...document.querySelectorAll(".rows tbody tr")],tiles=[...document.querySelectorAll("button.tile")];
function show(){const words=text.value.toLowerCase().split(/\\s+/).filter(Boolean);let n=0;
 for(const row of rows){const clause=row.closest("#clauses"),said=row.textContent.toLowerCase();
  row.hidden=!(words.every(w=>said.includes(w))&&(!status||!clause||row.dataset.status===status));if(clause&&!row.hidden)n++}
 for(const tile of tiles)tile.classList.toggle("on",tile.dataset.status===status);
 shown.textContent=words.length||status?n+" requirements shown":""}
text.addEventListener("input",show);
for(const tile of tiles)tile.addEventListener("click",()=>{status=status===tile.dataset.status?"":tile.dataset.status;show()});
document.getElementById("all").addEventListener("click",()=>{text.value="";status="";show()});
addEventListener("beforeprint",()=>document.querySelectorAll("td details").forEach(d=>{d.open=true}));
"""
