// What to tell people who want to connect a client: for every server, the lines to copy.
import { COPY_SCRIPT_PATH } from '../assets.ts'
import { Servers, type ShownServer } from '../servers.tsx'
import { confirmPath } from '../confirm-path.ts'
import { portalPage } from './frame.tsx'
import { serverOf } from '../names.tsx'

export interface ConnectView {
  readonly servers: readonly ShownServer[]
}

export function connectPage({ servers }: ConnectView): string {
  return portalPage({
    title: 'Connect',
    place: '/admin/connect',
    width: 'middle',
    head: <script type="module" src={COPY_SCRIPT_PATH} />,
    children: (
      <div class="stack">
        <h1>Connect a client</h1>
        <p class="lede">Copy these to people. Nothing in them is secret: everybody signs in with their own account.</p>
        <Servers servers={servers} foot={DisconnectAll} />
      </div>
    ),
  })
}

function DisconnectAll({ url }: ShownServer) {
  return (
    <p class="foot">
      <a class="button button-danger button-small" href={confirmPath({ action: 'revoke', what: 'resource', id: url })}>
        Disconnect everybody from {serverOf(url)}…
      </a>
    </p>
  )
}
