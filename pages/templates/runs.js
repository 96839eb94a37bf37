"use strict";
/* Narrows the ledger to a source or state, and shows the calendar's newest days first. */
const pick = document.getElementById("pick");
if (pick) {
  const lines = [...document.querySelectorAll("#lines tbody tr")];
  const narrow = () => {
    const { source, state } = Object.fromEntries(new FormData(pick));
    for (const line of lines) line.hidden = Boolean((source && line.dataset.source !== source) || (state && line.dataset.state !== state));
    const left = lines.filter((line) => !line.hidden).length;
    document.getElementById("picked").textContent = `${new Intl.NumberFormat("en").format(left)} ${left === 1 ? "line" : "lines"}`;
  };
  pick.addEventListener("change", narrow);
  pick.addEventListener("submit", (event) => event.preventDefault());
  narrow();
}
const calendar = document.querySelector(".calendar");
if (calendar) calendar.scrollLeft = calendar.scrollWidth;
