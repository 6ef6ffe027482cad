// Contact details leave the page when their time is over, also when the browser slept or goes back to the page.
"use strict";

const shown = document.querySelector("[data-gone-after]");
if (shown) {
  const end = Date.now() + Number(shown.dataset.goneAfter) * 1000;
  const leave = () => {
    if (Date.now() >= end) {
      shown.remove();
      location.replace(shown.dataset.goneTo);
    }
  };
  setInterval(leave, 1000);
  document.addEventListener("visibilitychange", leave);
  addEventListener("pagehide", () => shown.remove());
}
