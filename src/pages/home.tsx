// The front page: what this address is, and how a client connects to it.
import { COPY_SCRIPT_PATH } from './assets.ts'
import { documentOf, type PageLink } from './layout.tsx'
import { ServerAddress, Servers, ServerSetups, type ShownServer } from './servers.tsx'
import { shownName } from './shown.ts'

export interface Home {
  /** This address, as people call it. */
  readonly name: string
  /** The identity provider, as people call it. */
  readonly signInWith: string
  readonly servers: readonly ShownServer[]
  readonly links?: readonly PageLink[]
}

export function homePage({ name, signInWith, servers, links = [] }: Home): string {
  const [only, ...others] = servers
  const isOne = only !== undefined && others.length === 0
  const server = shownName(isOne ? only.name : name, 'this MCP server')
  const provider = shownName(signInWith, 'your identity provider')
  return documentOf({
    title: server,
    width: 'middle',
    links,
    head: <script type="module" src={COPY_SCRIPT_PATH} />,
    children: (
      <>
        <h1>
          Connect to <bdi>{server}</bdi>
        </h1>
        <p class="lede">
          Add {isOne ? 'this address' : 'the address of a server'} to your AI client, sign in with <bdi>{provider}</bdi>, and use
          the server in your own name.
        </p>
        {isOne ? (
          <>
            <ServerAddress url={only.url} />
            <h2>Set up your client</h2>
            <ServerSetups setups={only.setups} open />
          </>
        ) : (
          <Servers servers={servers} />
        )}
        <ul class="assurances">
          <li>
            <strong>Your own sign-in.</strong> Nothing to copy, no shared key: each client asks you once.
          </li>
          <li>
            <strong>Credentials stay apart.</strong> The server learns who you are; it never receives the client’s token.
          </li>
          <li>
            <strong>Access can end at once.</strong> Disconnect a client and its open connections close with it.
          </li>
        </ul>
      </>
    ),
  })
}
