import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { buttonClass } from "../parts/button.tsx";
import { EmptyLot } from "../parts/empty-lot.tsx";

export function NotFoundPage(): ReactNode {
  return (
    <main className="mx-auto w-full max-w-2xl px-4 py-16">
      <EmptyLot isPage title="Nothing is built at this address">
        <p className="mt-1 mb-6 max-w-md text-soft">The page was moved or never existed. Check the address, or start from the list of your sites.</p>
        <Link to="/" className={buttonClass("primary")}>
          To my sites
        </Link>
      </EmptyLot>
    </main>
  );
}
