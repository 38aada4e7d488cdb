/** Does something after so many milliseconds unless the returned function is called before; never keeps the process running. */
export type Later = (ms: number, act: () => void) => () => void;

/** By the machine's clock. */
export const laterByClock: Later = (ms, act) => {
  const timer = setTimeout(act, ms).unref();
  return () => clearTimeout(timer);
};
