// What to tell people who want to connect a client: for every server, the lines to copy.
import { COPY_SCRIPT_PATH } from '../assets.ts'
import { Servers, type ShownServer } from '../servers.tsx'
import { confirmPath } from '../confirm-path.ts'
import { portalPage } from './frame.tsx'
import { serverOf } from '../names.tsx'
import { Ago } from '../when.tsx'

/** Which revisions of MCP a server speaks. */
export interface ShownEra {
  /** Undefined where it did not say. */
  readonly era: 'legacy' | 'modern' | undefined
  /** Unix seconds: when it was asked; undefined where the settings say it. */
  readonly askedAt: number | undefined
}

export interface ConnectView {
  readonly servers: readonly ShownServer[]
  /** By the address of the server here. */
  readonly eras: ReadonlyMap<string, ShownEra>
  readonly now: number
}

export function connectPage({ servers, eras, now }: ConnectView): string {
  return portalPage({
    title: 'Connect',
    place: '/admin/connect',
    width: 'middle',
    head: <script type="module" src={COPY_SCRIPT_PATH} />,
    children: (
      <div class="stack">
        <h1>Connect a client</h1>
        <p class="lede">Copy these to people. Nothing in them is secret: everybody signs in with their own account.</p>
        <Servers servers={servers} foot={(server) => <Foot server={server} shown={eras.get(server.url)} now={now} />} />
      </div>
    ),
  })
}

function Foot({
  server: { url },
  shown,
  now,
}: {
  readonly server: ShownServer
  readonly shown: ShownEra | undefined
  readonly now: number
}) {
  return (
    <>
      {shown && <Era {...shown} now={now} />}
      <p class="foot">
        <a class="button button-danger button-small" href={confirmPath({ action: 'revoke', what: 'resource', id: url })}>
          Disconnect everybody from {serverOf(url)}…
        </a>
      </p>
    </>
  )
}

const REVISIONS = { legacy: 'the revisions of MCP up to 2025-11-25', modern: 'MCP 2026-07-28' } as const

function Era({ era, askedAt, now }: ShownEra & { readonly now: number }) {
  return (
    <p class="fine" data-era={era ?? 'unknown'}>
      {era ? `The server speaks ${REVISIONS[era]}` : 'The server did not say which revision of MCP it speaks'}
      {askedAt === undefined ? (
        ', as the settings say'
      ) : (
        <>
          , asked <Ago at={askedAt} now={now} />
        </>
      )}
      .
    </p>
  )
}
