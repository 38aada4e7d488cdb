import { expect, it } from "vitest";
import { BootBudget } from "./boot-budget.ts";

function budgetAt() {
  const clock = { at: 1_000_000, now: (): number => clock.at, isSteady: true as const };
  return { clock, budget: new BootBudget(clock) };
}

it("lets a program boot beyond its share, and gives back what it did not need", () => {
  const { clock, budget } = budgetAt();
  for (let round = 0; round < 50; round += 1) {
    const allowance = budget.begin(1, 0.6);
    expect(allowance?.cpu).toBe(2);
    expect(allowance?.forMs).toBeGreaterThan(5000);
    clock.at += 80;
    allowance?.end();
    allowance?.end();
  }
});

it("gives nothing to a site whose share is as large", () => {
  expect(budgetAt().budget.begin(1, 2)).toBeNull();
});

it("gives a site that boots over and over a twentieth of the time in the long run, and its neighbour all of its own", () => {
  const { clock, budget } = budgetAt();
  const from = clock.at;
  let usedMs = 0;
  while (clock.at - from < 3_600_000) {
    const allowance = budget.begin(1, 0.6);
    // It never listens, so the allowance ends by itself.
    const tookMs = allowance?.forMs ?? 1000;
    clock.at += tookMs;
    if (allowance !== null) usedMs += tookMs;
    allowance?.end();
  }
  expect(usedMs).toBeLessThan(3_600_000 / 20 + 20_000);
  expect(usedMs).toBeGreaterThan(3_600_000 / 40);
  expect(budget.begin(2, 0.6)?.forMs).toBe(10_000);
});

it("gives starts side by side no more than one", () => {
  const { budget } = budgetAt();
  const first = budget.begin(1, 0.6);
  expect(budget.begin(1, 0.6)).toBeNull();
  first?.end();
  expect(budget.begin(1, 0.6)).not.toBeNull();
});
