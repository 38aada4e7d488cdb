import { lookup } from "mrmime";

// Shown in a page of the dashboard as what they are; none of them runs anything there.
const shown = /^(?:image\/(?:png|jpeg|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon|svg\+xml)|audio\/|video\/|font\/|application\/pdf$)/;
const text = /^(?:text\/|application\/(?:javascript|json|ld\+json|manifest\+json|xml|xhtml\+xml|toml|x-sh|sql|typescript|yaml|x-yaml)|.*\+(?:xml|json)$)/;

/**
 * How members' files are sent from the dashboard's own origin: with the type of their name where a browser can show it, pages and scripts as plain
 * text, everything else as bytes to be saved; and nothing of it may run, load or be framed with any right of the dashboard.
 */
export function previewHeaders(path: string, options: { readonly download: boolean }): Record<string, string> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const type = lookup(name) ?? "application/octet-stream";
  const isShown = shown.test(type);
  const isText = !isShown && text.test(type);
  const disposition = options.download || !(isShown || isText) ? "attachment" : "inline";
  return {
    "content-type": isShown ? type : isText ? "text/plain; charset=utf-8" : "application/octet-stream",
    "content-disposition": `${disposition}; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, escaped)}`,
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "private, no-cache",
  };
}

// What encodeURIComponent leaves although a header's value may not hold it so (RFC 8187).
function escaped(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
