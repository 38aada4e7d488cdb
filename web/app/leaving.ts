let isGoing = false;

/** Whether this page goes whatever it holds. Nobody is asked about that then: it may be another person who would answer. */
export function isLeft(): boolean {
  return isGoing;
}

/** Shows another page in place of this one, whatever it holds. */
export function leaveFor(address: string): void {
  isGoing = true;
  window.location.assign(address);
}

/** Loads this page anew, whatever it holds. */
export function loadAnew(): void {
  isGoing = true;
  window.location.reload();
}
