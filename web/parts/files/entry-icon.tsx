import { File, FileCode, FileCog, FileImage, FileText, Folder, FolderSymlink, Globe } from "lucide-react";
import type { ReactNode } from "react";
import type { FolderEntry } from "#contract/api/files.ts";
import { imageTypeOf } from "../../app/text-file.ts";

const code = /\.(html?|css|m?[jt]sx?|py|rb|php|sh|json|ya?ml|toml|sql|xml|go|rs|java|c|h|cpp)$/i;
const text = /\.(txt|md|csv|log)$/i;

export function EntryIcon({ entry }: { readonly entry: FolderEntry }): ReactNode {
  const className = "size-5 shrink-0";
  if (entry.type === "folder")
    return entry.name === "public" ? (
      <Globe className={`${className} text-accent`} aria-label="Public folder" />
    ) : (
      <Folder className={`${className} text-accent`} aria-label="Folder" />
    );
  if (entry.type === "link") return <FolderSymlink className={`${className} text-soft`} aria-label="Link" />;
  if (entry.executable) return <FileCog className={`${className} text-good`} aria-label="Executable file" />;
  if (imageTypeOf(entry.name) !== null) return <FileImage className={`${className} text-soft`} aria-label="Picture" />;
  if (code.test(entry.name)) return <FileCode className={`${className} text-soft`} aria-label="File" />;
  if (text.test(entry.name)) return <FileText className={`${className} text-soft`} aria-label="File" />;
  return <File className={`${className} text-soft`} aria-label="File" />;
}

/** What one should know of an entry beyond its name. */
export function entryNote(folder: string, entry: FolderEntry): string {
  if (entry.type === "link") return `Link to ${entry.target ?? "somewhere"}`;
  if (entry.type === "other") return "A device, pipe or socket: it cannot be opened here";
  if (folder !== "") return entry.executable ? "Executable" : "";
  if (entry.name === "public" && entry.type === "folder") return "What visitors see";
  if (entry.name === "private" && entry.type === "folder") return "Program and data; visitors cannot see it";
  if (entry.name === "run.sh") return entry.executable ? "Starts the program" : "Starts the program; has to be made executable";
  return entry.executable ? "Executable" : "";
}
