// What to tell people who want to connect a client: for every server, the lines to copy.
import { SetupSteps } from '../setup-steps.tsx'
import type { Setup } from '../setups.ts'
import { shownText } from '../shown.ts'
import { portalPage } from './frame.tsx'
import { serverOf } from './names.tsx'

export interface ConnectView {
  readonly servers: readonly { readonly url: string; readonly setups: readonly Setup[] }[]
}

export function connectPage({ servers }: ConnectView): string {
  return portalPage({
    title: 'Connect',
    place: '/admin/connect',
    width: 'middle',
    children: (
      <div class="stack">
        <h1>Connect a client</h1>
        <p class="lede">Copy these to people. Nothing in them is secret: everybody signs in with their own account.</p>
        {servers.map(({ url, setups }, index) => (
          <section class="stack" data-server={url}>
            <h2>{serverOf(url)}</h2>
            <div class="card endpoint">
              <p class="eyebrow">MCP server address</p>
              <code class="address pick">{shownText(url)}</code>
            </div>
            <div class="card card-list">
              {setups.map((setup, place) => (
                <SetupSteps setup={setup} open={index === 0 && place === 0} group={`setup-${index}`} />
              ))}
            </div>
          </section>
        ))}
      </div>
    ),
  })
}
