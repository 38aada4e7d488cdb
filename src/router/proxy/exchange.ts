import { Failure } from "#contract/failure.ts";
import { endAnswer } from "../end-answer.ts";
import type { SiteGate } from "../gate/site-gate.ts";
import type { Target } from "../gate/target.ts";
import type { Visitor } from "../gate/waiting-visitors.ts";
import { discardBody } from "../pages/send-failure.ts";
import type { ProxyDeps, ProxyVisit } from "./proxy-visit.ts";
import { type RequestFacts, readRequestHeaders } from "./request-head.ts";
import { RequestUpload } from "./request-upload.ts";
import { ProtocolError, type ResponseHead } from "./response-head.ts";
import { isOwnCookie } from "./session-cookies.ts";
import { joinTunnel } from "./tunnel.ts";
import { type UpstreamConnection, UpstreamTimeout, type UpstreamUser } from "./upstream-connection.ts";
import { upstreamFailure } from "./upstream-failure.ts";

/** How often a request goes back to the gate when nobody listens where it was sent. */
const mostReplays = 2;
/** May be sent twice when the first connection broke before anything was answered (RFC 9110, section 9.2.2), if there is no body. */
const repeatable = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** One visitor's request, from the site's gate to the last byte of the answer. */
export class Exchange implements Visitor, UpstreamUser {
  readonly #deps: ProxyDeps;
  readonly #visit: ProxyVisit;
  readonly #gate: SiteGate;
  readonly #facts: RequestFacts;
  #target: Target | null = null;
  #connection: UpstreamConnection | null = null;
  #upload: RequestUpload | null = null;
  #head: ResponseHead | null = null;
  #pending: Buffer | null = null;
  #isFlushed = false;
  #replays = 0;
  #isDone = false;

  /** @throws {Failure} `request_malformed` or `body_too_large`, before anything is woken for it. */
  constructor(deps: ProxyDeps, visit: ProxyVisit) {
    this.#deps = deps;
    this.#visit = visit;
    this.#gate = deps.gateOf(visit.route.siteId);
    this.#facts = readRequestHeaders(visit.arrival.req.rawHeaders);
    if (visit.arrival.upgrade !== null && this.#facts.hasBody)
      throw new Failure("request_malformed", { reason: "it asks for another protocol and has a body" });
    this.#refuseLargeBody(this.#facts.contentLength ?? 0);
  }

  get hasBody(): boolean {
    return this.#facts.hasBody;
  }

  get mayUpgrade(): boolean {
    return this.#visit.arrival.upgrade !== null;
  }

  get isGone(): boolean {
    return this.#isDone;
  }

  get mayWake(): boolean {
    return this.#deps.isVisit(this.#visit);
  }

  /** Sets out to the site. */
  begin(): void {
    this.#visit.arrival.onClose = () => this.#visitorLeft();
    this.#gate.enter(this);
  }

  admit(target: Target): void {
    this.#target = target;
    this.#noteActivity();
    target.pool.take(this);
  }

  refuse(failure: Failure): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#deps.sendFailure(this.#visit.arrival, failure);
  }

  onConnected(connection: UpstreamConnection): void {
    if (this.#isDone) {
      connection.abandon();
      return;
    }
    this.#connection = connection;
    const { arrival, forwarding, route } = this.#visit;
    const { req, res, upgrade, target, host } = arrival;
    const { lines, contentLength, hasBody } = this.#facts;
    const asks = upgrade === null ? "" : `Connection: Upgrade\r\nUpgrade: ${upgrade.protocol}\r\n`;
    const shown = req.headers.host ?? host;
    connection.limitMs = hasBody ? this.#deps.limits.uploadStallMs : this.#deps.limits.responseHeadMs;
    connection.send(`${req.method} ${target} HTTP/1.1\r\n${lines}${forwarding.lines}X-Forwarded-Host: ${shown}\r\n${asks}\r\n`, req.method === "HEAD");
    if (!hasBody) return;
    // Nothing of the body has been read until here: had nobody listened, it could have gone elsewhere whole.
    if (arrival.expectsContinue) res.writeContinue();
    const plan = {
      req,
      isChunked: contentLength === null,
      mostBytes: route.requestBodyBytes,
      onTooLarge: () => this.#fail(new Failure("body_too_large", { limitBytes: route.requestBodyBytes })),
      onSent: () => {
        connection.limitMs = this.#head === null ? this.#deps.limits.responseHeadMs : this.#deps.limits.idleMs;
      },
    };
    this.#upload = new RequestUpload(plan, connection);
  }

  onHead(head: ResponseHead): void {
    if (this.#isDone) return;
    const { res, host } = this.#visit.arrival;
    this.#head = head;
    if (this.#connection !== null) this.#connection.limitMs = this.#deps.limits.idleMs;
    // Throws for characters that no header may hold; the connection reports that as a broken answer.
    const fields = this.#visit.dress === null ? head.fields : this.#visit.dress(head);
    res.writeHead(head.status, head.reason, head.hasSetCookie ? ownFields(fields, host) : fields);
  }

  onData(chunk: Buffer): void {
    if (this.#isDone) return;
    const before = this.#pending;
    this.#pending = chunk;
    if (before !== null) this.#write(before);
  }

  onEnd(): void {
    if (this.#isDone) return;
    const { res } = this.#visit.arrival;
    const pending = this.#pending;
    this.#pending = null;
    this.#finish();
    if (pending === null) res.end();
    else endAnswer(res, pending, true);
  }

  onPause(): void {
    if (this.#isDone || this.#head === null) return;
    const pending = this.#pending;
    this.#pending = null;
    if (pending !== null) this.#write(pending);
    else if (!this.#isFlushed) this.#visit.arrival.res.flushHeaders();
    this.#isFlushed = true;
  }

  onWritable(): void {
    this.#upload?.resume();
  }

  onUpgrade(head: ResponseHead, rest: Buffer): void {
    const { upgrade, res, host } = this.#visit.arrival;
    const connection = this.#connection;
    if (this.#isDone || connection === null) return;
    if (upgrade === null) throw new ProtocolError("it changed to another protocol without being asked");
    const fields = ownFields(head.fields, host);
    let lines = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${head.upgrade ?? upgrade.protocol}\r\n`;
    for (let index = 0; index < fields.length; index += 2) lines += `${fields[index]}: ${fields[index + 1]}\r\n`;
    const site = connection.detach();
    this.#isDone = true;
    this.#connection = null;
    const visitor = upgrade.socket;
    if (res.socket !== null) res.detachSocket(res.socket);
    // The exchange of HTTP is over; whoever counts it hears so.
    res.emit("close");
    this.#deps.metrics.tunnels += 1;
    visitor.write(`${lines}\r\n`, "latin1");
    if (rest.length > 0) visitor.write(rest);
    if (upgrade.head.length > 0) site.write(upgrade.head);
    joinTunnel({
      visitor,
      site,
      idleMs: this.#deps.limits.idleMs,
      onActivity: () => this.#noteActivity(),
      onClosed: () => {
        this.#deps.metrics.tunnels -= 1;
        this.#leaveGate();
      },
    });
  }

  onBroken(connection: UpstreamConnection, error: Error): void {
    if (this.#isDone) return;
    const { arrival } = this.#visit;
    const target = this.#target;
    this.#connection = null;
    const isUntouched = !connection.isConnected || (!connection.hasAnswered && !this.#facts.hasBody && repeatable.has(arrival.req.method ?? ""));
    const mayReplay = isUntouched && !(error instanceof UpstreamTimeout && connection.isConnected) && this.#replays < mostReplays;
    if (target === null || !mayReplay) {
      this.#fail(this.#failureOf(error), error);
      return;
    }
    this.#replays += 1;
    // The program had closed an idle connection, which says nothing about the program.
    if (connection.isConnected && connection.isReused) {
      target.pool.connect(this);
      return;
    }
    // Nothing was sent, or nothing was done with it: the site is woken, or its new address found, and the request goes there whole.
    this.#gate.lose(target);
    this.#leaveGate();
    this.#gate.enter(this);
  }

  #write(chunk: Buffer): void {
    const { res } = this.#visit.arrival;
    const connection = this.#connection;
    // The connection reads on into the same place.
    if (res.write(Buffer.from(chunk)) || connection === null) return;
    connection.socket.pause();
    connection.limitMs = this.#deps.limits.responseHeadMs;
    res.once("drain", () => {
      connection.touch();
      connection.limitMs = this.#deps.limits.idleMs;
      connection.socket.resume();
    });
  }

  #refuseLargeBody(length: number): void {
    const limitBytes = this.#visit.route.requestBodyBytes;
    if (length > limitBytes) throw new Failure("body_too_large", { limitBytes });
  }

  /** The answer is complete. */
  #finish(): void {
    const connection = this.#connection;
    const upload = this.#upload;
    this.#isDone = true;
    this.#connection = null;
    const isReusable = this.#head?.keepsAlive === true && (upload === null || upload.isSent);
    if (connection !== null && isReusable) this.#target?.pool.giveBack(connection, this.#head?.keepAliveMs ?? null);
    else connection?.abandon();
    // The program answered without waiting for the whole body: the rest of it is of no use to anyone.
    if (upload !== null && !upload.isSent) {
      upload.stop();
      discardBody(this.#visit.arrival.req);
    }
    this.#leaveGate();
  }

  #fail(failure: Failure, cause?: Error): void {
    this.#isDone = true;
    this.#upload?.stop();
    this.#connection?.abandon();
    this.#connection = null;
    this.#leaveGate();
    if (cause !== undefined) this.#deps.metrics.upstreamFailures += 1;
    this.#deps.sendFailure(this.#visit.arrival, failure);
  }

  #visitorLeft(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#upload?.stop();
    this.#connection?.abandon();
    this.#connection = null;
    this.#leaveGate();
  }

  #leaveGate(): void {
    const target = this.#target;
    if (target === null) return;
    this.#target = null;
    this.#noteActivity();
    this.#gate.leave(target);
  }

  #failureOf(error: Error): Failure {
    const isVisitorSlow = error instanceof UpstreamTimeout && this.#upload?.isSent === false;
    return isVisitorSlow ? new Failure("upload_incomplete", {}, { cause: error }) : upstreamFailure(error);
  }

  #noteActivity(): void {
    this.#gate.noteVisit(() => this.#deps.isVisit(this.#visit));
  }
}

function ownFields(fields: readonly string[], host: string): string[] {
  const kept: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? "";
    const value = fields[index + 1] ?? "";
    if (name.toLowerCase() !== "set-cookie" || isOwnCookie(value, host)) kept.push(name, value);
  }
  return kept;
}
