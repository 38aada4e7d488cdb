import { chosenFiles } from "../../app/dropped-files.ts";
import { startUploads } from "../../app/uploads.ts";

/** Asks the browser for files, or for a folder with everything in it, and uploads them. */
export function chooseFiles(site: string, folder: string, what: "files" | "folder" = "files"): void {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.webkitdirectory = what === "folder";
  input.hidden = true;
  input.ariaLabel = what === "folder" ? "Folder to upload" : "Files to upload";
  input.onchange = () => {
    if (input.files !== null) startUploads(site, chosenFiles(input.files, folder));
    input.remove();
  };
  // In the page and not beside it, so that it lives until the choice is made.
  for (const old of document.querySelectorAll("input[data-chooser]")) old.remove();
  input.dataset.chooser = "";
  document.body.append(input);
  input.click();
}
