// Which system calls a site's program may not make, as a classic BPF program for `seccomp`. The namespaces already make most
// of these fail; refusing them at the door keeps the kernel's code behind them, where its bugs are, out of a tenant's reach.

/** Name → number on x86-64 and on arm64; null where the machine has no such call. */
const refused: Readonly<Record<string, readonly [x64: number | null, arm64: number | null]>> = {
  acct: [163, 89],
  add_key: [248, 217],
  bpf: [321, 280],
  chroot: [161, 51],
  clock_settime: [227, 112],
  delete_module: [176, 106],
  finit_module: [313, 273],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fsopen: [430, 430],
  fspick: [433, 433],
  init_module: [175, 105],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  io_uring_setup: [425, 425],
  ioperm: [173, null],
  iopl: [172, null],
  kcmp: [312, 272],
  kexec_file_load: [320, 294],
  kexec_load: [246, 104],
  keyctl: [250, 219],
  lookup_dcookie: [212, 18],
  modify_ldt: [154, null],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  open_by_handle_at: [304, 265],
  open_tree: [428, 428],
  perf_event_open: [298, 241],
  pidfd_getfd: [438, 438],
  pivot_root: [155, 41],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  ptrace: [101, 117],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  reboot: [169, 142],
  request_key: [249, 218],
  setns: [308, 268],
  settimeofday: [164, 170],
  swapoff: [168, 225],
  swapon: [167, 224],
  syslog: [103, 116],
  umount2: [166, 39],
  unshare: [272, 97],
  userfaultfd: [323, 282],
};

interface Machine {
  readonly index: 0 | 1;
  /** `AUDIT_ARCH_…`, so that calls of another architecture (32-bit ones) do not pass under other numbers. */
  readonly architecture: number;
  readonly clone: number;
  readonly ioctl: number;
  readonly ioprioSet: number;
  readonly schedSetattr: number;
  readonly schedSetscheduler: number;
}

const machines: Readonly<Record<string, Machine>> = {
  x64: { index: 0, architecture: 0xc000003e, clone: 56, ioctl: 16, ioprioSet: 251, schedSetattr: 314, schedSetscheduler: 144 },
  arm64: { index: 1, architecture: 0xc00000b7, clone: 220, ioctl: 29, ioprioSet: 30, schedSetattr: 274, schedSetscheduler: 119 },
};
const clone3 = 435;
/** Where the x32 numbers of x86-64 begin. */
const x32 = 0x40000000;
/** Every `CLONE_NEW…` namespace. */
const cloneNamespaces = 0x7e020000;
/** Typing into a terminal as if its user did. */
const terminalTricks = [0x5412, 0x541c];

/** `IOPRIO_WHO_PROCESS` */
const oneProcess = 1;
const firstProcess = 1;

const operation = { load: 0x20, ifEqual: 0x15, ifAtLeast: 0x35, ifAnyBit: 0x45, result: 0x06 } as const;
const offset = { number: 0, architecture: 4, firstArgument: 16, secondArgument: 24 } as const;
const result = { allow: 0x7fff0000, notPermitted: 0x00050001, unknownCall: 0x00050026 } as const;

interface Instruction {
  readonly code: number;
  readonly value: number;
  /** For a condition: how many instructions to skip when it holds, and when it does not. */
  readonly skip?: readonly [then: number, otherwise: number];
}

/** The filter's bytes; null on a machine whose numbers are not known. */
export function seccompFilter(architecture: string): Buffer | null {
  const machine = machines[architecture];
  return machine === undefined ? null : assemble(program(machine));
}

function program(machine: Machine): readonly Instruction[] {
  const load = (value: number): Instruction => ({ code: operation.load, value });
  const when = (code: number, value: number, then: readonly Instruction[]): readonly Instruction[] => [{ code, value, skip: [0, then.length] }, ...then];
  const unless = (value: number, then: readonly Instruction[]): readonly Instruction[] => [{ code: operation.ifEqual, value, skip: [then.length, 0] }, ...then];
  const answer = (value: number): Instruction => ({ code: operation.result, value });
  const numbers = Object.values(refused)
    .map((row) => row[machine.index])
    .filter((number) => number !== null);
  return [
    load(offset.architecture),
    ...unless(machine.architecture, [answer(result.unknownCall)]),
    load(offset.number),
    ...when(operation.ifAtLeast, x32, [answer(result.unknownCall)]),
    // Its flags lie in memory, out of a filter's sight; the C library falls back to clone.
    ...when(operation.ifEqual, clone3, [answer(result.unknownCall)]),
    ...numbers.flatMap((number) => when(operation.ifEqual, number, [answer(result.notPermitted)])),
    ...when(operation.ifEqual, machine.clone, [
      load(offset.firstArgument),
      ...when(operation.ifAnyBit, cloneNamespaces, [answer(result.notPermitted)]),
      answer(result.allow),
    ]),
    ...when(operation.ifEqual, machine.ioctl, [
      load(offset.secondArgument),
      ...terminalTricks.flatMap((request) => when(operation.ifEqual, request, [answer(result.notPermitted)])),
      answer(result.allow),
    ]),
    // Of everything that a program may change of another process of its user these alone show nowhere, and a sandbox's first process may
    // serve other runs later: not the first process, and no group of processes that it could be in.
    ...[machine.schedSetattr, machine.schedSetscheduler].flatMap((number) =>
      when(operation.ifEqual, number, [
        load(offset.firstArgument),
        ...when(operation.ifEqual, firstProcess, [answer(result.notPermitted)]),
        answer(result.allow),
      ]),
    ),
    ...when(operation.ifEqual, machine.ioprioSet, [
      load(offset.firstArgument),
      ...unless(oneProcess, [answer(result.notPermitted)]),
      load(offset.secondArgument),
      ...when(operation.ifEqual, firstProcess, [answer(result.notPermitted)]),
      answer(result.allow),
    ]),
    answer(result.allow),
  ];
}

/** Eight bytes each, in the machine's order, which is little-endian wherever Node runs these. */
function assemble(instructions: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(instructions.length * 8);
  for (const [index, { code, value, skip = [0, 0] }] of instructions.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(skip[0], index * 8 + 2);
    bytes.writeUInt8(skip[1], index * 8 + 3);
    bytes.writeUInt32LE(value, index * 8 + 4);
  }
  return bytes;
}
