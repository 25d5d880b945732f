// Home: the slider over the picture moves the border between the photograph and the painting.
for (const slider of document.querySelectorAll(".compare input")) {
  const move = () => slider.parentElement.style.setProperty("--at", `${slider.value}%`);
  slider.addEventListener("input", move);
  move();
}
