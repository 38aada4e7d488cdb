import { useNavigate } from "@tanstack/react-router";
import { BookOpen, Box, CircleUser, ClipboardList, LayoutGrid, LogOut, Play, Server, Settings, Users } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import { wordsOf } from "../app/api.ts";
import { useMe } from "../app/data-session.ts";
import { notify } from "../app/notices.ts";
import { useStore } from "../app/store.ts";
import { chooseTheme, theme, themeLabels, themes } from "../app/theme.ts";
import { IconButton } from "./button.tsx";
import { Menu, MenuChoices, MenuItem, MenuLabel, MenuSeparator } from "./menu.tsx";
import { useLeave } from "./use-leave.tsx";

/** The person, their pages and the colours; on phones the main navigation too. */
export function AccountMenu(): ReactNode {
  const me = useMe();
  const navigate = useNavigate();
  const { leave, question, error } = useLeave();
  useEffect(() => {
    if (error !== null) notify({ tone: "bad", text: wordsOf(error) });
  }, [error]);
  const chosen = useStore(theme);
  return (
    <>
      <Menu
        trigger={
          <IconButton label={`Menu of ${me?.username ?? "your account"}`} className="border border-line">
            <CircleUser aria-hidden="true" />
          </IconButton>
        }
      >
        <MenuLabel>
          Signed in as <strong className="text-ink">{me?.username}</strong>
          {me?.role === "administrator" && ", administrator"}
        </MenuLabel>
        <MenuItem className="md:hidden" onSelect={() => void navigate({ to: "/" })}>
          <LayoutGrid aria-hidden="true" />
          Sites
        </MenuItem>
        <MenuItem className="md:hidden" onSelect={() => void navigate({ to: "/tasks" })}>
          <Play aria-hidden="true" />
          Tasks
        </MenuItem>
        {me?.role === "administrator" && (
          <>
            <MenuItem className="md:hidden" onSelect={() => void navigate({ to: "/users" })}>
              <Users aria-hidden="true" />
              Users
            </MenuItem>
            <MenuItem className="md:hidden" onSelect={() => void navigate({ to: "/nodes" })}>
              <Server aria-hidden="true" />
              Nodes
            </MenuItem>
            <MenuItem className="md:hidden" onSelect={() => void navigate({ to: "/images" })}>
              <Box aria-hidden="true" />
              Images
            </MenuItem>
            <MenuItem className="md:hidden" onSelect={() => void navigate({ to: "/audit" })}>
              <ClipboardList aria-hidden="true" />
              Audit
            </MenuItem>
          </>
        )}
        <MenuItem onSelect={() => void navigate({ to: "/account" })}>
          <Settings aria-hidden="true" />
          Account and API tokens
        </MenuItem>
        <MenuItem onSelect={() => window.open("/api/docs", "_blank", "noopener")}>
          <BookOpen aria-hidden="true" />
          API documentation
        </MenuItem>
        <MenuSeparator />
        <MenuLabel>Colours</MenuLabel>
        <MenuChoices value={chosen} choices={themes.map((each) => [each, themeLabels[each]] as const)} onChoose={chooseTheme} />
        <MenuSeparator />
        <MenuItem onSelect={leave}>
          <LogOut aria-hidden="true" />
          Sign out
        </MenuItem>
      </Menu>
      {question}
    </>
  );
}
