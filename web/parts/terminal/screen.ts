import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal } from "@xterm/xterm";
import { attachTerminal } from "#contract/api/terminals.ts";
import { pathOf } from "#contract/client.ts";
import { hasCode } from "../../app/api.ts";
import { listOpen } from "./terminal-data.ts";
import { type LinkState, TerminalLink } from "./terminal-link.ts";
import { followTheme, terminalTheme } from "./terminal-theme.ts";
import { leavingHintId } from "./terminal-words.ts";

export interface ScreenParts {
  readonly site: string;
  readonly terminal: string;
  readonly element: HTMLElement;
  readonly onState: (state: LinkState) => void;
  readonly onTitle: (title: string) => void;
  /** A key that is the page's and not the program's; true when it was taken. */
  readonly onKey: (event: KeyboardEvent) => boolean;
}

const monospace = 'ui-monospace, "SF Mono", "Cascadia Code", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';
const encoder = new TextEncoder();

/** One terminal as it is drawn in the page. */
export class Screen {
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #search = new SearchAddon();
  readonly #link: TerminalLink;
  readonly #parts: ScreenParts;
  readonly #unfollow: () => void;
  readonly #observer: ResizeObserver;
  /** How many pieces of what was shown before are still being drawn: what they ask for was answered then. */
  #repeating = 0;
  /** The next key is typed with Ctrl. */
  isControl = false;
  onControlUsed: () => void = () => undefined;

  constructor(parts: ScreenParts) {
    this.#parts = parts;
    const isNarrow = window.matchMedia("(max-width: 40rem)").matches;
    const terminal = new Terminal({
      fontFamily: monospace,
      fontSize: isNarrow ? 12 : 14,
      lineHeight: 1.15,
      scrollback: 5_000,
      cursorBlink: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
      theme: terminalTheme(),
      macOptionIsMeta: true,
      linkHandler: { activate: (_event, address) => openLink(address) },
    });
    this.#terminal = terminal;
    terminal.loadAddon(this.#fit);
    terminal.loadAddon(this.#search);
    terminal.loadAddon(new WebLinksAddon((_event, address) => openLink(address)));
    terminal.open(parts.element);
    terminal.textarea?.setAttribute("aria-describedby", leavingHintId);
    terminal.attachCustomKeyEventHandler((event) => this.#takesKey(event));
    this.#link = new TerminalLink({
      connect: (from) => new WebSocket(addressOf(parts.site, parts.terminal, from)),
      find: () => find(parts.site, parts.terminal),
      show: (bytes, given) => this.#show(bytes, given),
      begin: (skips) => this.#begin(skips),
      onState: parts.onState,
    });
    terminal.onData((text) => this.#typed(text));
    terminal.onBinary((text) => this.#link.type(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
    terminal.onResize((size) => this.#link.resize(size));
    terminal.onTitleChange(parts.onTitle);
    this.#unfollow = followTheme(() => {
      terminal.options.theme = terminalTheme();
    });
    this.#observer = new ResizeObserver(() => this.fit());
    this.#observer.observe(parts.element);
    this.fit();
    this.#link.resize({ cols: terminal.cols, rows: terminal.rows });
  }

  /** As many lines and columns as there is room for; nothing while it is hidden. */
  fit(): void {
    const { element } = this.#parts;
    if (element.clientWidth > 0 && element.clientHeight > 0) this.#fit.fit();
  }

  focus(): void {
    this.#terminal.focus();
  }

  /** As if it had been typed. */
  type(text: string): void {
    this.#typed(text);
    this.focus();
  }

  paste(text: string): void {
    this.#terminal.paste(text);
    this.focus();
  }

  /** An arrow key, as the program wants to be told of it. */
  arrow(letter: "A" | "B" | "C" | "D"): void {
    this.type(`\u001b${this.#terminal.modes.applicationCursorKeysMode ? "O" : "["}${letter}`);
  }

  find(text: string, direction: "next" | "previous"): boolean {
    if (text === "") {
      this.#search.clearDecorations();
      return true;
    }
    return direction === "next" ? this.#search.findNext(text) : this.#search.findPrevious(text);
  }

  endSearch(): void {
    this.#search.clearDecorations();
    this.#terminal.clearSelection();
    this.focus();
  }

  retry(): void {
    this.#link.retry();
  }

  dispose(): void {
    this.#observer.disconnect();
    this.#unfollow();
    this.#link.stop();
    this.#terminal.dispose();
  }

  #show(bytes: Uint8Array, { isRepeated, drawn }: { readonly isRepeated: boolean; readonly drawn: () => void }): void {
    if (isRepeated) this.#repeating += 1;
    this.#terminal.write(bytes, () => {
      if (isRepeated) this.#repeating -= 1;
      drawn();
    });
  }

  #begin(skips: boolean): void {
    this.#terminal.reset();
    if (skips) this.#terminal.write("\u001b[2m[what was here before is no longer kept]\u001b[0m\r\n");
  }

  #typed(text: string): void {
    if (this.#repeating > 0) return;
    const isLetter = this.isControl && /^[a-zA-Z@[\\\]^_ ]$/.test(text);
    this.#link.type(encoder.encode(isLetter ? String.fromCharCode(text.toUpperCase().charCodeAt(0) & 0x1f) : text));
    if (!this.isControl) return;
    this.isControl = false;
    this.onControlUsed();
  }

  #takesKey(event: KeyboardEvent): boolean {
    if (event.type !== "keydown") return true;
    if (this.#parts.onKey(event)) return false;
    const isCopy = event.ctrlKey && event.code === "KeyC" && (event.shiftKey || this.#terminal.hasSelection());
    if (isCopy) {
      event.preventDefault();
      if (this.#terminal.hasSelection()) void navigator.clipboard?.writeText(this.#terminal.getSelection()).catch(() => undefined);
      this.#terminal.clearSelection();
      return false;
    }
    // Left to the browser, which pastes.
    return !(event.ctrlKey && event.shiftKey && event.code === "KeyV");
  }
}

function addressOf(site: string, terminal: string, from: number): string {
  const path = pathOf(attachTerminal, { params: { name: site, terminal }, query: { from } });
  return `${window.location.protocol === "https:" ? "wss" : "ws"}://${window.location.host}${path}`;
}

async function find(site: string, terminal: string): Promise<"there" | "gone" | "forbidden"> {
  try {
    return (await listOpen(site)).some(({ id }) => id === terminal) ? "there" : "gone";
  } catch (error) {
    if (hasCode(error, "site_not_found", "role_too_low", "site_disabled")) return "forbidden";
    throw error;
  }
}

function openLink(address: string): void {
  window.open(address, "_blank", "noopener,noreferrer");
}
