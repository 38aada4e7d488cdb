import { expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { coveredVolumes, declaredVolumes } from "./image-volumes.ts";

const ours = { folders: ["/site"], memory: ["/tmp", "/dev/shm", "/run"] };

it("covers what nothing of ours stands at already, each once", () => {
  expect(coveredVolumes({ image: "a:1", volumes: ["/data/", "/data", "/a/../b", "/site", "/tmp", "/run/app", "/sites"] }, ours)).toEqual([
    "/b",
    "/data",
    "/run/app",
    "/sites",
  ]);
});

it.each([
  [["/site/data"], "it declares /site/data as a volume (VOLUME), which would hide what is in /site."],
  [["/"], "it declares / as a volume (VOLUME), which would hide what is in /."],
  [["/proc/x"], "it declares /proc/x as a volume (VOLUME), which would hide what is in /proc."],
  [["/dev"], "it declares /dev as a volume (VOLUME), which would hide what is in /dev."],
  [Array.from({ length: 33 }, (_, index) => `/v${index}`), "it declares 33 volumes (VOLUME), and 32 are the most."],
])("refuses an image whose volumes would be in the way: %s", (volumes, reason) => {
  expect(() => coveredVolumes({ image: "a:1", volumes }, ours)).toThrow(new Failure("image_unusable", { image: "a:1", reason }));
});

it("asks the engine what an image declares, and says that it does not have it", async () => {
  const having = (inspect: () => Promise<unknown>) => ({ getImage: () => ({ inspect }) }) as unknown as Parameters<typeof declaredVolumes>[0];
  expect(
    await declaredVolumes(
      having(async () => ({ Config: { Volumes: { "/data": {} } } })),
      "a:1",
    ),
  ).toEqual(["/data"]);
  expect(
    await declaredVolumes(
      having(async () => ({ Config: { Volumes: null } })),
      "a:1",
    ),
  ).toEqual([]);
  const none = having(() => Promise.reject(Object.assign(new Error("no such image"), { statusCode: 404 })));
  await expect(declaredVolumes(none, "a:1")).rejects.toMatchObject({
    code: "image_unusable",
    message: "The site's image a:1 cannot be used: it is not on this machine. Choose another image, or tell an administrator.",
  });
});
