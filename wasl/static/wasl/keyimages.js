// On the reading page: the image in front of the reader becomes a key image, in its window and with what is drawn on it.
"use strict";
let leftOut = 0;

// the viewer in which the last hand did something: beside the text, or on the second screen
function viewerAtHand() {
  const beside = document.querySelector(".desk-images iframe").contentWindow;
  const apart = window.secondScreen;
  const viewers = [beside, apart && !apart.closed ? apart : null].filter((one) => one?.wasl?.shownImage);
  return viewers.sort((a, b) => b.wasl.touched - a.wasl.touched)[0];
}

document.addEventListener("submit", (event) => {
  const { target } = event;
  if (target.id !== "mark-shown") return;
  event.preventDefault();
  const caught = viewerAtHand()?.wasl.shownImage() || { why: "no_image" };
  if (caught.why) {
    notice(sentences[caught.why], "warning");
    return;
  }
  leftOut = caught.left;
  target.elements.instance.value = caught.instance;
  target.elements.frame.value = caught.frame;
  target.elements.view.value = JSON.stringify(caught.view);
  htmx.trigger(target, "caught");
});
document.addEventListener("htmx:afterSwap", () => {
  if (leftOut) notice(sentences.left_out.replace("{count}", leftOut), "warning");
  leftOut = 0;
});
