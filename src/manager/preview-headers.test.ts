import { expect, it } from "vitest";
import { previewHeaders } from "./preview-headers.ts";

const shownAs = (path: string, download = false): [string | undefined, string | undefined] => {
  const headers = previewHeaders(path, { download });
  return [headers["content-type"], headers["content-disposition"]];
};

it("pictures, sound, films and fonts keep their type; pages and scripts become plain text; everything else is to be saved", () => {
  expect(["a.png", "b/c.svg", "d.mp3", "e.mp4", "f.woff2", "g.pdf"].map((path) => shownAs(path)[0])).toEqual([
    ...["image/png", "image/svg+xml", "audio/mpeg", "video/mp4", "font/woff2", "application/pdf"],
  ]);
  for (const path of ["a.html", "b.js", "c.css", "d.json", "e.xml", "f.xhtml", "g.txt", "h.md"])
    expect([path, ...shownAs(path)]).toEqual([path, "text/plain; charset=utf-8", `inline; filename*=UTF-8''${path}`]);
  for (const path of ["a.exe", "b", "c.swf", "d.zip"]) expect(shownAs(path)).toEqual(["application/octet-stream", `attachment; filename*=UTF-8''${path}`]);
  expect(shownAs("a.png", true)[1]).toBe("attachment; filename*=UTF-8''a.png");
});

it("a name cannot leave its header", () => {
  const [, disposition] = shownAs(`x/a"b';\r\nc(ü)*.png`);
  expect(disposition).toBe("inline; filename*=UTF-8''a%22b%27%3B%0D%0Ac%28%C3%BC%29%2A.png");
});
