/** A month as `2026-11`, by the reader's own clock. */
export function monthOf(day: Date): string {
  return `${day.getFullYear()}-${String(day.getMonth() + 1).padStart(2, "0")}`;
}

/** The month so many months later. */
export function nextMonth(month: string, by: number): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return monthOf(new Date(year, number - 1 + by, 1));
}

/** From the first day to the day after the last. */
export function monthRange(month: string): { readonly since: string; readonly until: string } {
  return { since: `${month}-01`, until: `${nextMonth(month, 1)}-01` };
}

export function monthText(month: string): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return new Intl.DateTimeFormat("en", { month: "long", year: "numeric" }).format(new Date(year, number - 1, 1));
}
