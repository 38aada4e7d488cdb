import type { ReactNode } from "react";
import type { ParameterValue } from "#contract/script-form.ts";
import type { ScriptParameter } from "#contract/task.ts";
import { fieldText, parameterKey, type RunDraft } from "../../app/run-draft.ts";
import { type ControlProps, Field, Select, SwitchField, TextArea, TextInput } from "../field.tsx";

interface FieldsProps {
  readonly draft: RunDraft;
  /** By the field's name. */
  readonly problems: Readonly<Record<string, string>>;
  readonly onChange: (values: RunDraft["values"]) => void;
}

/** The fields that a script's manual asks for. */
export function ScriptFields({ draft, problems, onChange }: FieldsProps): ReactNode {
  return (draft.script?.manual.parameters ?? []).map((parameter) => (
    <ParameterField
      key={parameter.name}
      parameter={parameter}
      value={draft.values[parameter.name]}
      error={problems[parameterKey(parameter.name)] ?? null}
      onChange={(value) => onChange({ ...draft.values, [parameter.name]: value })}
    />
  ));
}

interface ParameterProps {
  readonly parameter: ScriptParameter;
  readonly value: ParameterValue | undefined;
  readonly error: string | null;
  readonly onChange: (value: ParameterValue) => void;
}

function ParameterField(props: ParameterProps): ReactNode {
  const { parameter, value, error, onChange } = props;
  const name = parameter.label ?? parameter.name;
  if (parameter.type === "switch") {
    const hint = parameter.help === undefined ? {} : { hint: parameter.help };
    return <SwitchField label={name} {...hint} checked={(value ?? parameter.default) === true} onChange={onChange} />;
  }
  const label = parameter.isRequired ? name : `${name} (optional)`;
  return (
    <Field label={label} error={error} {...(parameter.help === undefined ? {} : { hint: parameter.help })}>
      {(control) => <Control {...props} control={control} />}
    </Field>
  );
}

function Control({ parameter, value, onChange, control }: ParameterProps & { readonly control: ControlProps }): ReactNode {
  const text = fieldText(value);
  const standard = fieldText(parameter.default);
  if (parameter.type === "choice") {
    return (
      <Select {...control} value={text} onChange={(event) => onChange(event.target.value)}>
        <option value="">{standard === "" ? "–" : `${standard} (default)`}</option>
        {(parameter.choices ?? []).map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </Select>
    );
  }
  if (parameter.isMultiple) {
    return <TextArea {...control} rows={3} placeholder={standard || "One a line"} value={text} onChange={(event) => onChange(event.target.value)} />;
  }
  return (
    <TextInput
      {...control}
      inputMode={parameter.type === "number" ? "decimal" : "text"}
      autoComplete="off"
      spellCheck={false}
      placeholder={standard}
      value={text}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
