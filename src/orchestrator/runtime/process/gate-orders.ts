// What the gate of a sandbox that serves several runs is told, as text for its shell. The gate is the first process inside: nobody inside can
// halt or end it, and since no tenant may read its program (`RunRoot`), the kernel shows nobody inside its memory and its descriptors.

/** What the gate holds and no run ever does. */
const held = { words: 7, pipes: 9 } as const;

/** The gate's first words. Its own interrupt would end it, the only signal that a shell listens to. */
export const gateBegins = `exec 3<&- 5>&- 2>/dev/null
ulimit -c 0
trap : INT
unset SHLVL OLDPWD
PATH=/nowhere
key() { seen=1; }
isEmpty() { seen=; [ -r "$1" ] && . "$1" && [ -n "$seen" ]; }
echo ready >&${held.words}
`;

/** One run. */
export interface GateRun {
  /** The numbers of its named pipes. */
  readonly stdout: number;
  readonly stderr: number;
  readonly fileBlocks: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly command: readonly string[];
}

/**
 * An order to run something: the gate says `began`, forks, waits for what became of its child (for whatever that has left as well, as the first process has
 * to) and says `ended CODE`. After that it looks for what can be seen from inside only, the objects of System V: each of the kernel's lists is a heading
 * whose first word is `key`, a function here, and a line of numbers for each object, which are no commands. To read them as text costs a hundred
 * times more, since a shell reads a pipe byte by byte. So `clean` comes only when all three are empty, and from a shell that has read the headings: bash
 * takes a file of the kernel's, whose size is 0, for an empty one, and never says it.
 */
export function gateRuns(run: GateRun): string {
  const { plain, special } = variablesOf(run.environment);
  const command = special.length === 0 ? run.command : ["/usr/bin/env", ...special, ...run.command];
  const pipe = (number: number): string => `/proc/self/fd/${held.pipes}/${number}`;
  return `echo began >&${held.words}
(exec </dev/null >${pipe(run.stdout)} 2>${pipe(run.stderr)} ${held.words}>&- ${held.pipes}<&-
ulimit -f ${run.fileBlocks}
${plain.length === 0 ? ":" : `export ${plain.join(" ")}`}
exec ${command.map(quoted).join(" ")})
echo "ended $?" >&${held.words}
isEmpty /proc/sysvipc/shm && isEmpty /proc/sysvipc/sem && isEmpty /proc/sysvipc/msg && echo clean >&${held.words} || echo used >&${held.words}
`;
}

/** What the gate has said so far. */
export function gateSaid(text: string): { readonly hasBegun: boolean; readonly code: number | null; readonly isClean: boolean | null } {
  const code = /^ended (\d+)\n/m.exec(text)?.[1];
  const word = /^(clean|used)\n/m.exec(text)?.[1];
  return { hasBegun: /^began\n/m.test(text), code: code === undefined ? null : Number(code), isClean: word === undefined ? null : word === "clean" };
}

const name = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Names that mean something to one shell or another, which may refuse the value. */
const shellNames = /^(OPTIND|OPTARG|LINENO|PPID|UID|EUID|GROUPS|IFS|PS[0-9]|SHELLOPTS|FUNCNAME|DIRSTACK|RANDOM|SECONDS|HIST\w*|MAIL\w*|BASH\w*|_)$/;

/** A shell takes only what could be the name of one of its variables, as the gate of other sandboxes does, too. */
function variablesOf(environment: Readonly<Record<string, string>>): { readonly plain: readonly string[]; readonly special: readonly string[] } {
  const all = Object.entries(environment).filter(([key]) => name.test(key));
  return {
    plain: all.filter(([key]) => !shellNames.test(key)).map(([key, value]) => `${key}=${quoted(value)}`),
    special: all.filter(([key]) => shellNames.test(key)).map(([key, value]) => `${key}=${value}`),
  };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
