// The filter of the report of `asvkit verify`.
const text=document.getElementById("text"),shown=document.getElementById("shown");let status="";
const rows=[...document.querySelectorAll(".rows tbody tr")],tiles=[...document.querySelectorAll("button.tile")];
function show(){const words=text.value.toLowerCase().split(/\s+/).filter(Boolean);let n=0;
 for(const row of rows){const clause=row.closest("#clauses"),said=row.textContent.toLowerCase();
  row.hidden=!(words.every(w=>said.includes(w))&&(!status||!clause||row.dataset.status===status));if(clause&&!row.hidden)n++}
 for(const tile of tiles)tile.classList.toggle("on",tile.dataset.status===status);
 shown.textContent=words.length||status?n+" requirements shown":""}
text.addEventListener("input",show);
for(const tile of tiles)tile.addEventListener("click",()=>{status=status===tile.dataset.status?"":tile.dataset.status;show()});
document.getElementById("all").addEventListener("click",()=>{text.value="";status="";show()});
addEventListener("beforeprint",()=>document.querySelectorAll("td details").forEach(d=>{d.open=true}));
