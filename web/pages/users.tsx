import { UserPlus } from "lucide-react";
import { type ReactNode, useDeferredValue, useState } from "react";
import { wordsOf } from "../app/api.ts";
import { useUsers } from "../app/data-accounts.ts";
import { useIsAdministrator } from "../app/data-session.ts";
import { Button } from "../parts/button.tsx";
import { PageHeading } from "../parts/heading.tsx";
import { NewUserDialog } from "../parts/new-user-dialog.tsx";
import { PageProblem } from "../parts/page-problem.tsx";
import { ProblemBox } from "../parts/problem-box.tsx";
import { Loading, Skeleton } from "../parts/skeleton.tsx";
import { UserRow } from "../parts/user-row.tsx";

export function UsersPage(): ReactNode {
  const isAdministrator = useIsAdministrator();
  const [search, setSearch] = useState("");
  const [isAdding, setAdding] = useState(false);
  const query = useUsers(useDeferredValue(search.trim()));
  const users = query.data?.pages.flatMap((page) => page.users);
  if (!isAdministrator) return <PageProblem page="Users" title="Only an administrator may see the list of users. Ask one of them." />;
  return (
    <div className="mx-auto max-w-4xl">
      <PageHeading title="Users">
        <Button variant="primary" onClick={() => setAdding(true)}>
          <UserPlus aria-hidden="true" />
          Add user
        </Button>
      </PageHeading>
      <search className="mb-4 block sm:w-80">
        <input
          type="search"
          className="control"
          aria-label="Search users"
          placeholder="Search by user name"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      </search>
      {query.error !== null && <ProblemBox title={wordsOf(query.error)} retry={() => void query.refetch()} />}
      {users === undefined && query.error === null && (
        <Loading label="The users are loading">
          <Skeleton className="h-40 w-full rounded-xl" />
        </Loading>
      )}
      {users?.length === 0 && (
        <p className="card px-4 py-10 text-center text-soft">{search === "" ? "There are no users yet." : `No user name holds “${search}”.`}</p>
      )}
      {users !== undefined && users.length > 0 && (
        <ul className="card divide-y divide-line">
          {users.map((user) => (
            <UserRow key={user.id} user={user} />
          ))}
        </ul>
      )}
      {query.hasNextPage && (
        <Button className="mt-4" onClick={() => void query.fetchNextPage()} busy={query.isFetchingNextPage && "Loading more…"}>
          Show more users
        </Button>
      )}
      <NewUserDialog isOpen={isAdding} onClose={() => setAdding(false)} />
    </div>
  );
}
