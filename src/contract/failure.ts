// One table of everything that a person can be told. Titles are full sentences that say what to do next;
// `{name}` stands for a detail given where the failure is thrown.
const table = {
  // who is asking
  not_signed_in: { status: 401, title: "Sign in first, or send an API token as `Authorization: Bearer …`." },
  credentials_wrong: { status: 401, title: "The user name or the password is wrong. Check both and try again." },
  setup_link_invalid: { status: 404, title: "This set-up link was used already or is not valid. Restart Backlot to get a new one." },
  too_many_attempts: { status: 429, title: "Too many failed sign-ins. Wait {retryAfterSeconds} seconds and try again." },
  rate_limited: { status: 429, title: "Too many requests. Wait {retryAfterSeconds} seconds and try again." },
  origin_refused: { status: 403, title: "This request came from another web page. Open the dashboard itself and try again." },
  grant_refused: { status: 403, title: "This process may not do that. Check which component is calling and its key." },
  administrators_only: { status: 403, title: "Only an administrator may do this. Ask one of them." },
  scope_too_small: { status: 403, title: "This API token may not do that. Make one with the scope {scope}." },

  // what was asked for
  not_found: { status: 404, title: "There is nothing here. Check the address." },
  site_not_found: { status: 404, title: "There is no site with this name that you can see. Check its name." },
  role_too_low: { status: 404, title: "Your role on this site does not allow this. Ask one of its owners." },
  operation_not_found: { status: 404, title: "There is no operation with this id that you can see. Check the id, or list the site's operations." },
  user_not_found: { status: 404, title: "There is no user with this name. Check its spelling." },
  token_not_found: { status: 404, title: "There is no API token with this id that is yours. List your tokens and choose one of them." },
  key_not_found: { status: 404, title: "There is no SSH key with this id that is yours. List your keys and choose one of them." },
  member_not_found: { status: 404, title: "This user is not a member of the site. Choose one of its members." },
  starter_not_found: { status: 422, title: "There is no starter called {starter}. Choose one of: {starters}." },
  file_not_found: { status: 404, title: "There is no file or folder at {path}. Check the path, or list the folder above it." },

  // how it was asked for
  body_malformed: { status: 400, title: "The body is not valid JSON; mend it and send it again. {detail}" },
  input_invalid: { status: 422, title: "Some fields are not right; mend them and send it again: {detail}" },
  media_type_unsupported: { status: 415, title: "Send the body as {expected}." },
  body_too_large: { status: 413, title: "The body is larger than {limitBytes} bytes, which is the limit here. Send less." },
  request_too_slow: { status: 408, title: "The request did not come to its end in time. Send it again in one go." },
  head_too_large: {
    status: 431,
    title: "The address and the headers of this request have more than {limitBytes} bytes, which is the limit here. Send less of them.",
  },
  server_busy: { status: 503, title: "This server has as many connections as it can take. Try again in {retryAfterSeconds} seconds." },
  method_not_allowed: { status: 405, title: "This address does not answer {method}. Check the address, or use another method." },
  socket_expected: { status: 426, title: "This address speaks the WebSocket protocol only. Open it with a client that does." },
  range_not_satisfiable: { status: 416, title: "The range asked for lies outside the file. Ask for one within it, or for the whole file." },

  // sites
  site_name_invalid: { status: 422, title: "Choose a site name of 2 to 32 lower-case letters, digits and single inner dashes that starts with a letter." },
  site_name_reserved: { status: 422, title: "The name {name} is reserved. Choose another." },
  site_name_taken: { status: 409, title: "There is a site called {name} already. Choose another name." },
  site_personal_name_reserved: {
    status: 422,
    title: "Your user name {name} is reserved as an address, so you cannot have a personal site. Create a project site with another name.",
  },
  site_personal_name_fixed: {
    status: 422,
    title: "A personal site carries its owner's user name and cannot be renamed. Create a project site for another name.",
  },
  site_limit_reached: { status: 409, title: "You have {count} sites, which is the most you may have. Delete one, or ask an administrator." },
  awake_sites_used_up: {
    status: 409,
    title: "{owner} keeps {count} programs awake, which is the most. Let this one or another one sleep, or ask an administrator.",
  },
  site_busy: { status: 409, title: "Another operation on this site has to end first. Wait for it and try again." },
  site_moved: { status: 503, title: "Another machine is taking this site over. Try again in a moment." },
  node_not_found: { status: 404, title: "There is no node with this id. See the list of nodes." },
  node_in_use: { status: 409, title: "This node is not gone: {reason}. Drain it and stop it first." },
  site_being_deleted: { status: 409, title: "This site is being deleted. Create another one if you still need it." },
  site_disabled: { status: 409, title: "This site was disabled by an administrator. Ask one of them." },
  site_static: { status: 409, title: "A static site has no process to do this with. Make it dynamic in its settings first." },
  dedicated_unavailable: {
    status: 409,
    title: "Here a static site cannot have a file server of its own: that takes Docker Swarm (BACKLOT_RUNTIME=swarm). Leave `dedicated` off.",
  },
  public_not_folder: { status: 503, title: "What is called public in this site is not a folder, so nothing of it can be served. Make it one." },
  site_database_exists: { status: 409, title: "This site has a database already. Delete it first to begin with an empty one." },
  site_database_not_found: { status: 404, title: "This site has no database. Add one first." },
  site_database_taken: {
    status: 409,
    title: "The database server has a database {name} that belongs to something else. Ask an administrator to rename or drop it there.",
  },
  site_databases_off: {
    status: 503,
    title: "There is no server for sites' databases here ({reason}). Ask an administrator to set BACKLOT_SITE_DATABASE_URL.",
  },
  environment_changed: { status: 412, title: "The variables were changed since you read them. Look through the newest ones, then save again." },
  last_owner: { status: 409, title: "A site needs an owner. Make someone else an owner first." },
  administrator_owner: {
    status: 403,
    title:
      "{username} is an administrator, whose sites may do more than others, so only an administrator makes them an owner. Ask one, or choose another role.",
  },
  limits_need_reason: { status: 422, title: "Say why the availability, the limits or the egress of this site change: fill in `reason`." },
  isolation_missing: {
    status: 409,
    title:
      "This machine cannot separate sites from each other ({missing}), so only administrators may run programs here. Install bubblewrap or ask an administrator.",
  },
  egress_unavailable: {
    status: 409,
    title: "This machine cannot let sites out into the internet: {reason} Run Backlot as root on a machine with nftables, or leave the setting as it is.",
  },
  interpreter_missing: {
    status: 409,
    title: "The starter {starter} needs {interpreter}, which is not installed on this machine. Install it, or choose another starter.",
  },
  username_taken: { status: 409, title: "There is a user called {username} already. Choose another name." },
  username_invalid: { status: 422, title: "Choose a user name of 2 to 32 lower-case letters, digits and single inner dashes that starts with a letter." },
  password_too_weak: { status: 422, title: "Choose a password of at least 8 and at most 200 characters." },
  last_administrator: { status: 409, title: "Backlot needs an administrator. Make someone else one first." },

  // SSH keys
  key_invalid: { status: 422, title: "This key cannot be used: {reason}" },
  key_private: {
    status: 422,
    title: "This is a private key, which nobody else may ever see. Paste the public one, from the file whose name ends in .pub. Nothing was kept.",
  },
  key_taken: { status: 409, title: "This key is among yours already, as {title}. Use it, or add another one." },
  key_limit_reached: { status: 409, title: "You have {count} SSH keys, which is the most. Remove one first." },

  // files
  path_invalid: { status: 400, title: "The path {path} cannot be used: {reason}. Write another one." },
  path_outside_site: { status: 400, title: "The path {path} leads out of the site through a link. Delete the link, or choose another path." },
  not_a_file: { status: 409, title: "{path} is not a file. Choose a file, or another path." },
  not_a_folder: { status: 409, title: "{path} is not a folder. Choose a folder, or another path." },
  folder_not_empty: { status: 409, title: "The folder {path} is not empty. Delete it with everything in it by `?recursive=true`." },
  file_exists: { status: 409, title: "There is something at {path} already. Delete or move it first." },
  file_unsaved: { status: 409, title: "There is unsaved work at {path} in this browser. Open it, save it or close it without saving, then try again." },
  file_changed: { status: 412, title: "{path} was changed since you read it. Read it again and decide which version to keep." },
  file_special: { status: 409, title: "{path} is a device, pipe or socket, which cannot be opened here. Choose a file, or delete it." },
  file_forbidden: { status: 409, title: "{path} cannot be opened or changed: its permissions forbid it. Change them from the site's own program." },
  version_not_found: { status: 404, title: "This version is not kept any more, or never was. List the versions again." },
  pattern_invalid: { status: 422, title: "The pattern cannot be used: {reason}. Search for plain text, or mend it." },
  file_too_large: { status: 413, title: "A file may have at most {limitBytes} bytes. Send a smaller one, or ask an administrator for more." },
  quota_exceeded: { status: 507, title: "The site is full: {detail}. Delete something, or ask an administrator for more." },
  disk_full: { status: 507, title: "The disk of the server is full. Nothing was changed. Tell an administrator." },
  upload_incomplete: { status: 400, title: "The upload ended early. Nothing was changed; send it again." },
  archive_invalid: { status: 422, title: "The archive cannot be unpacked: {reason}. Send a gzip-compressed tar file." },
  archive_too_large: { status: 413, title: "The archive holds too much: {reason}. Leave something out, or ask an administrator for more." },
  archive_unsafe: { status: 422, title: "The archive holds an entry that is not allowed: {path} ({reason}). Leave it out and send the archive again." },

  // tasks
  task_not_found: { status: 404, title: "There is no task with this uid that you can see. Check the uid, or list the tasks." },
  task_limit_reached: { status: 409, title: "{count} tasks wait already, which is the most. Wait until some have run, or cancel some." },
  schedule_not_found: { status: 404, title: "There is no schedule with this id that you can see. Check the id, or list the schedules." },
  schedule_limit_reached: { status: 409, title: "There are {count} schedules here, which is the most. Delete one first." },
  schedule_without_person: { status: 409, title: "The person on whose behalf it runs is gone. Resume it to run it on yours." },
  schedule_person_inactive: { status: 409, title: "{username}, on whose behalf it runs, may not sign in any more. Resume it to run it on yours." },
  schedule_values_foreign: {
    status: 409,
    title:
      "The values of its variables ({names}) were set by {username}: only they or an administrator may use them. Give values of your own, or leave the variables out.",
  },
  schedule_right_lost: { status: 409, title: "{username}, on whose behalf it runs, may not run tasks in {place} any more. Resume it to run it on yours." },
  script_not_found: { status: 422, title: "There is no script called {script}; choose another one. {known}" },
  parameters_invalid: { status: 422, title: "Some parameters of the script are not right; mend them: {detail}" },
  commands_off: { status: 422, title: "Commands are switched off here: run a script, or ask an administrator to set BACKLOT_TASK_COMMANDS." },
  idempotency_conflict: { status: 409, title: "This Idempotency-Key was used for another task already. Take a new key." },
  cron_invalid: { status: 422, title: "This is not a cron expression: {reason}. Write one like 30 5 * * 1 (half past five on Mondays)." },
  time_zone_unknown: { status: 422, title: "There is no time zone called {timeZone}. Choose one like Europe/Berlin." },
  run_not_found: { status: 404, title: "This orchestrator knows no such run. Start it, or ask the orchestrator that has it." },
  terminal_not_found: { status: 404, title: "There is no terminal with this id that is yours. It may have ended; open a new one." },
  stream_limit_reached: { status: 429, title: "You have {count} streams of events open already, which is the most. Close one first." },
  terminal_limit_reached: { status: 409, title: "There are {count} terminals here already, which is the most. Close one first." },
  run_superseded: { status: 409, title: "A later attempt of this task was started already. Follow that one." },

  // running
  run_file_missing: { status: 409, title: "There is no run.sh in /site, /site/private or /site/public. Add one that starts your program on $HOST:$PORT." },
  site_not_listening: { status: 503, title: "Nothing listens on $PORT after {seconds} s: run.sh must listen on $HOST:$PORT{found}." },
  site_crashed: { status: 503, title: "The site's program ended: {reason}" },
  site_not_served: { status: 503, title: "This site is not served at the moment. Ask one of its owners, or come back later." },
  // what a visitor is told by the router
  host_unknown: { status: 404, title: "There is no site at {host}. Check the address." },
  site_closed: { status: 403, title: "This site was closed by an administrator. Ask one of them if it is yours." },
  site_starting: { status: 503, title: "The site is still starting. Try again in {retryAfterSeconds} seconds." },
  page_not_kept: { status: 504, title: "No kept copy of this page is at hand, and only such a copy was asked for. Load the page again." },
  site_asleep: { status: 503, title: "The site is asleep, and automatic visits do not wake it. Open it in a browser." },
  site_overloaded: { status: 503, title: "The site has too many visitors at once. Try again in {retryAfterSeconds} seconds." },
  site_unreachable: { status: 502, title: "The site's program gave no usable answer: {reason}. Try again; look into its log if that happens again." },
  site_too_slow: { status: 504, title: "The site's program did not answer within {seconds} seconds. Try again; look into its log if that happens again." },
  request_malformed: { status: 400, title: "This request cannot be understood: {reason}. Mend it and send it again." },
  program_stuck: {
    status: 503,
    title: "The site's program stands still and cannot be let go on: {reason} Restart the site, and tell an administrator.",
  },
  machine_full: { status: 503, title: "This machine has no room to start another program now. Try again in a minute." },
  image_not_found: { status: 404, title: "There is no image with this number that you may choose. See the list of images." },
  image_name_taken: { status: 409, title: "There is an image called {name} already. Choose another name." },
  image_in_use: { status: 409, title: "{count} sites have this image. Hide it, or give them another first." },
  image_unusable: { status: 503, title: "The site's image {image} cannot be used: {reason} Choose another image, or tell an administrator." },
  program_elsewhere: {
    status: 503,
    title:
      "The program of this site may still run on {nodes}, and it may not run twice. It starts when that one has ended, or the swarm says that the machine is down. Wait, or tell an administrator.",
  },
  service_taken: {
    status: 503,
    title: "The swarm has a service {service} already, which belongs to {owner}. Give this Backlot a swarm of its own, or remove that service.",
  },
  component_away: { status: 503, title: "The {component} does not answer. Try again in a few seconds." },
  not_ready: { status: 503, title: "Backlot is still starting. Try again in a few seconds." },

  internal: { status: 500, title: "Something went wrong on our side. Tell an administrator this request id: {requestId}." },
} as const satisfies Record<string, { status: number; title: string }>;

/** Every code that a problem document can carry. */
export type FailureCode = keyof typeof table;

/** Every failure with its HTTP status and its title, for documentation and tests. */
export const failureTable: Readonly<Record<FailureCode, { readonly status: number; readonly title: string }>> = table;

/** Values put into a failure's title; also sent along as `details`. */
export type FailureDetails = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** Something that a person can be told. Anything else that is thrown is a bug. */
export class Failure extends Error {
  readonly code: FailureCode;
  readonly details: FailureDetails;

  constructor(code: FailureCode, details: FailureDetails = {}, options?: ErrorOptions) {
    super(titleOf(code, details), options);
    this.name = "Failure";
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return table[this.code].status;
  }
}

/** The body of an error answer, `application/problem+json` (RFC 9457). */
export interface Problem {
  readonly status: number;
  readonly code: FailureCode;
  readonly title: string;
  readonly details?: FailureDetails;
  readonly requestId?: string;
}

/** Turns a failure into the document that goes over the wire. */
export function problemOf(failure: Failure, requestId?: string): Problem {
  const hasDetails = Object.keys(failure.details).length > 0;
  return {
    status: failure.status,
    code: failure.code,
    title: failure.message,
    ...(hasDetails ? { details: failure.details } : {}),
    ...(requestId === undefined ? {} : { requestId }),
  };
}

/** Turns an answer's body back into a failure; an answer of another shape becomes `internal` or `component_away` by its status. */
export function failureOf(status: number, body: unknown): Failure {
  if (typeof body === "object" && body !== null && "code" in body && typeof body.code === "string" && body.code in table) {
    const details = "details" in body && typeof body.details === "object" && body.details !== null ? body.details : {};
    // The key was looked up in the table just above, and details come from our own error handler.
    return new Failure(body.code as FailureCode, details as FailureDetails);
  }
  if (status === 502 || status === 503 || status === 504) return new Failure("component_away", { component: "server" });
  return new Failure("internal", { requestId: "unknown" });
}

function titleOf(code: FailureCode, details: FailureDetails): string {
  return table[code].title.replace(/\{(\w+)\}/g, (_, key: string) => {
    const value = details[key];
    if (value === undefined) return "?";
    return Array.isArray(value) ? value.join(", ") : String(value);
  });
}
