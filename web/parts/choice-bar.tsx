import { RadioGroup } from "radix-ui";
import type { ReactNode } from "react";

interface Props<Value extends string> {
  /** What is chosen, for those who do not see it. */
  readonly label: string;
  readonly choices: readonly (readonly [value: Value, words: string])[];
  readonly value: Value;
  readonly onChoose: (value: Value) => void;
}

/** A few views of the same, one beside the other. */
export function ChoiceBar<Value extends string>({ label, choices, value, onChoose }: Props<Value>): ReactNode {
  const choose = (wanted: string): void => {
    const found = choices.find(([each]) => each === wanted);
    if (found !== undefined) onChoose(found[0]);
  };
  return (
    <RadioGroup.Root aria-label={label} value={value} onValueChange={choose} className="inline-flex rounded-lg bg-sunken p-1">
      {choices.map(([each, words]) => (
        <RadioGroup.Item
          key={each}
          value={each}
          className="relative min-h-9 rounded-md px-3 text-sm text-soft before:absolute before:-inset-y-1 before:inset-x-0 hover:text-ink data-[state=checked]:bg-surface data-[state=checked]:font-medium data-[state=checked]:text-ink data-[state=checked]:shadow-card"
        >
          {words}
        </RadioGroup.Item>
      ))}
    </RadioGroup.Root>
  );
}
