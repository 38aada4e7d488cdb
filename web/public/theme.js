// Runs before the first paint, so that the page never flashes in the wrong colours.
try {
  const theme = localStorage.getItem("backlot-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage can be forbidden; the system's choice then holds.
}
