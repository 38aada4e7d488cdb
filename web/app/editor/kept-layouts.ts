/** Under which name the browser keeps what a person has open; with the site's name behind it. */
export function layoutKeyOf(user: string): string {
  return `backlot-workbench:${user}:`;
}

/** Deletes from this browser what a person had open: names of files are not for the next one who sits down here. */
export function forgetLayouts(user: string): void {
  for (const key of Object.keys(localStorage)) if (key.startsWith(layoutKeyOf(user))) localStorage.removeItem(key);
}
