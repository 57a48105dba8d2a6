// The front page: what this address is, and how a client connects to it.
import { documentOf, type PageLink } from './layout.tsx'
import { SetupSteps } from './setup-steps.tsx'
import type { Setup } from './setups.ts'
import { shownName, shownText } from './shown.ts'

export interface Home {
  readonly mcpUrl: string
  /** The server behind, as people call it. */
  readonly name: string
  /** The identity provider, as people call it. */
  readonly signInWith: string
  readonly setups: readonly Setup[]
  readonly links?: readonly PageLink[]
}

export function homePage({ mcpUrl, name, signInWith, setups, links = [] }: Home): string {
  const server = shownName(name, 'this MCP server')
  const provider = shownName(signInWith, 'your identity provider')
  return documentOf({
    title: server,
    width: 'middle',
    links,
    children: (
      <>
        <h1>
          Connect to <bdi>{server}</bdi>
        </h1>
        <p class="lede">
          Add this address to your AI client, sign in with <bdi>{provider}</bdi>, and use the server in your own name.
        </p>
        <div class="card endpoint">
          <p class="eyebrow">MCP server address</p>
          <code class="address pick">{shownText(mcpUrl)}</code>
        </div>
        <h2>Set up your client</h2>
        <div class="card card-list">
          {setups.map((setup, index) => (
            <SetupSteps setup={setup} open={index === 0} />
          ))}
        </div>
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
