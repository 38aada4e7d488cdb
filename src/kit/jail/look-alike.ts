import { lstatSync } from "node:fs";
import { Failure } from "#contract/failure.ts";
import { at, codeOf } from "./descriptor.ts";

/**
 * Other characters for what looks just the same: é is one (NFC) or an e with its accent (NFD). None for most names. Of a name with several such
 * letters that mixes both ways only these two are known: naming all of them would take a list of the whole folder for each new file.
 */
export function otherSpellings(name: string): readonly string[] {
  return [...new Set([name.normalize("NFC"), name.normalize("NFD")])].filter((spelling) => spelling !== name);
}

/**
 * Refuses a name that is about to be made in an open folder when another entry there looks just like it; `except` is an entry that goes away
 * by the same change. What is there already stays as it is and can be reached. @throws {Failure} `path_invalid`.
 */
export function refuseLookAlike(folder: number, name: string, { path, except }: { readonly path: string; readonly except?: string | undefined }): void {
  for (const spelling of otherSpellings(name)) {
    if (spelling !== except && isThere(folder, spelling))
      throw new Failure("path_invalid", {
        path: path.slice(0, 200),
        reason: "another name there looks just like it, though it is written with other characters",
      });
  }
}

function isThere(folder: number, name: string): boolean {
  try {
    return lstatSync(at(folder, name), { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    // Letters and accents apart take more bytes than a name may have.
    if (codeOf(error) === "ENAMETOOLONG") return false;
    throw error;
  }
}
