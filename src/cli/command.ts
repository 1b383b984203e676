import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";

/** What `signalbox` exits with: a public contract, the same for every command. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  invalidConfig: 3,
  testsFailed: 4,
  notFound: 5,
  conflict: 6,
  unreachable: 7,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** One command of `signalbox`; the table in commands.ts names all. */
export interface Command {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** What follows `signalbox `, one line for each form: `run [file]`. */
  readonly usage: readonly string[];
  /** More for people who ask for help: examples, what it reads and writes. May be empty. */
  readonly details: string;
  /** By long name, without dashes. `help` is every command's own. */
  readonly options: OptionSpecs;
  /**
   * Results go to io.stdout, everything else to io.stderr. A RouterError with code USAGE becomes
   * exit code 2; any other fault is printed with its hint and becomes 1.
   */
  run(args: Args, io: Io): Promise<ExitCode>;
}

/**
 * Commands that belong together: `signalbox rules list`. Their names begin with the group's:
 * `rules list`.
 */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  /** As of commands. */
  readonly details: string;
  readonly commands: readonly Command[];
}

export function isGroup(command: Command | CommandGroup): command is CommandGroup {
  return "commands" in command;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

export interface OptionSpec {
  /** It takes no value: it is given or not. */
  readonly flag?: true;
  /** One letter. */
  readonly short?: string;
  /** May be given more than once. */
  readonly multiple?: boolean;
  /** Shown in help as `--name <value>`. */
  readonly value?: string;
  /** All values that it takes; shown in help in place of `value`. */
  readonly choices?: readonly string[];
  readonly help: string;
  /** Used when the option is not given; shown in help. */
  readonly default?: string;
}

/** The parsed command line. Asking for an option that the command does not declare is a fault. */
export interface Args {
  readonly positionals: readonly string[];
  /** undefined when not given and without a default. */
  text(name: string): string | undefined;
  /** Whether it stands on the command line, and is not its default only. */
  isGiven(name: string): boolean;
  /** Of an option with a `default`, or that must be given: without it a usage error. */
  required(name: string): string;
  flag(name: string): boolean;
  list(name: string): readonly string[];
  /** A finite number, at least `min`; anything else is a usage error. */
  number(name: string, min: number): number | undefined;
}

/** Everything a command may touch outside of itself, so that tests can hand it something else. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  /** The whole of standard input. */
  readStdin(): Promise<string>;
  /** The same for what may be no text. */
  readStdinBytes(): Promise<Uint8Array>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * From the first call on, SIGINT and SIGTERM abort this signal instead of ending the process; a
   * second one ends it at once with 1. Commands that run until they are stopped call it first.
   */
  interrupted(): AbortSignal;
}

export interface Output {
  /** Never throws; what cannot be written because the reader has gone away is dropped. */
  write(text: string): void;
  readonly isTty: boolean;
  /** Of a terminal, as it is now; 80 otherwise. */
  readonly columns: number;
  /** Of a terminal, as it is now. */
  readonly rows?: number;
}
