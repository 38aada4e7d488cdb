/** Where the keeper of a test database listens: a file, since test files have networks of their own, which an abstract name belongs to. */
export function keeperDoor(folder: string): string {
  return `${folder}.door`;
}
