// By which doors identity providers may say that access is over: which are open, what came last, whether a stream works, and what is entered there.
import { SetupSteps } from '../setup-steps.tsx'
import { shownText } from '../shown.ts'
import { portalPage } from './frame.tsx'
import { DOORS } from './receipt-words.ts'
import { signalSetups, type SetupTerms } from './signal-setups.ts'
import { ACTIONS, Table } from '../table.tsx'
import { Ago } from '../when.tsx'

interface ShownDoor {
  readonly door: keyof typeof DOORS
  readonly isOpen: boolean
  readonly address: string
  readonly last?: { readonly event: string; readonly jti: string; readonly at: number } | undefined
}

interface ShownStream {
  readonly delivery: 'push' | 'poll'
  readonly status: string
  readonly askedAt?: number | undefined
  readonly verifiedAt?: number | undefined
  readonly polledAt?: number | undefined
  readonly problem?: string | undefined
}

interface ShownProvider extends SetupTerms {
  readonly provider: string
  readonly name: string
  readonly doors: readonly ShownDoor[]
  readonly transmitter?: string | undefined
  readonly stream?: ShownStream | undefined
}

export interface SignalsView {
  readonly providers: readonly ShownProvider[]
  /** MCP servers that hear of ended sessions. */
  readonly servers: readonly { readonly name: string; readonly title: string; readonly url: string }[]
  /** What came of the button that was pressed. */
  readonly notice?: { readonly text: string; readonly isGood: boolean } | undefined
  readonly csrf: string
  readonly now: number
}

export function signalsPage({ providers, servers, notice, csrf, now }: SignalsView): string {
  return portalPage({
    title: 'Signals',
    place: '/admin/signals',
    children: (
      <div class="stack">
        <h1>Signals</h1>
        <p class="lede">
          Where an identity provider takes access away, it is gone here too, before it is answered. Each signal leaves a{' '}
          <a href="/admin/receipts">receipt</a> with the time it was received and the time the last stream was silent.
        </p>
        {notice && (
          <p class={`note ${notice.isGood ? '' : 'note-danger'}`} id="notice" role="status">
            {shownText(notice.text, 300)}
          </p>
        )}
        {providers.map((provider) => (
          <Provider provider={provider} csrf={csrf} now={now} />
        ))}
        <Servers servers={servers} csrf={csrf} />
      </div>
    ),
  })
}

interface Part {
  readonly provider: ShownProvider
  readonly csrf: string
  readonly now: number
}

function Provider({ provider, csrf, now }: Part) {
  const { provider: key, name, doors } = provider
  return (
    <section class="stack" data-provider={key} aria-labelledby={`provider-${key}`}>
      <h2 id={`provider-${key}`}>
        <bdi>{shownText(name, 80)}</bdi>
      </h2>
      <Table
        id={`doors-${key}`}
        caption={`Doors of ${shownText(name, 80)}`}
        isCaptionHidden
        columns={['Door', 'State', 'Last signal', 'Enter there']}
        empty="There is none."
        rows={doors.map((door) => (
          <Door door={door} now={now} />
        ))}
      />
      <Stream provider={provider} csrf={csrf} now={now} />
      <div class="card">
        <h3>What is entered there</h3>
        {signalSetups(provider).map((setup) => (
          <SetupSteps setup={setup} open={false} group={`setup-${key}`} />
        ))}
      </div>
    </section>
  )
}

function Door({ door: { door, isOpen, address, last }, now }: { readonly door: ShownDoor; readonly now: number }) {
  return (
    <tr data-door={door}>
      <td data-label="Door">{DOORS[door]}</td>
      <td data-label="State">
        <span class={`state ${isOpen ? 'state-live' : ''}`}>{isOpen ? 'Open' : 'Shut'}</span>
      </td>
      <td data-label="Last signal">
        {last === undefined ? (
          'None yet'
        ) : (
          <span class="person">
            <span>{shownText(last.event, 60)}</span>
            <span>
              <Ago at={last.at} now={now} />
            </span>
          </span>
        )}
      </td>
      <td data-label="Enter there" class="address">
        <code class="pick">{address}</code>
      </td>
    </tr>
  )
}

function Stream({ provider: { provider: key, transmitter, stream }, csrf, now }: Part) {
  if (transmitter === undefined) return <></>
  const isWorking = stream !== undefined && stream.problem === undefined && stream.status === 'enabled'
  return (
    <div class="card" id={`stream-${key}`}>
      <h3>Stream of security events</h3>
      <p class="address">{shownText(transmitter, 200)}</p>
      <p>
        <span class={`state ${isWorking ? 'state-live' : 'state-warn'}`}>
          {stream === undefined ? 'Not set up' : shownText(stream.status, 40)}
        </span>{' '}
        {stream?.verifiedAt !== undefined && (
          <span class="fine" data-verified="">
            verified <Ago at={stream.verifiedAt} now={now} />
          </span>
        )}
        {stream !== undefined && stream.verifiedAt === undefined && <span class="fine">not verified yet</span>}{' '}
        {stream?.polledAt !== undefined && (
          <span class="fine">
            polled <Ago at={stream.polledAt} now={now} />
          </span>
        )}
      </p>
      {stream?.problem !== undefined && <p class="note note-warn">{shownText(stream.problem, 300)}</p>}
      <form class="actions" id={`stream-form-${key}`} method="post" action="/admin/signals">
        <input type="hidden" name="csrf" value={csrf} />
        <input type="hidden" name="provider" value={key} />
        {stream !== undefined && (
          <button class="button" id={`verify-${key}`} type="submit" name="do" value="verify">
            Test
          </button>
        )}
        <button class="button" id={`setup-${key}`} type="submit" name="do" value="setup">
          {stream === undefined ? 'Set up' : 'Set up anew'}
        </button>
      </form>
    </div>
  )
}

function Servers({ servers, csrf }: Pick<SignalsView, 'servers' | 'csrf'>) {
  if (servers.length === 0) return <></>
  return (
    <section class="stack" aria-labelledby="servers-told">
      <h2 id="servers-told">Servers that hear of ended sessions</h2>
      <Table
        id="servers-hearing"
        caption="Servers that hear of ended sessions"
        isCaptionHidden
        columns={['Server', 'Told at', ACTIONS]}
        empty="There is none."
        rows={servers.map(({ name, title, url }) => (
          <tr data-server={name}>
            <td data-label="Server">
              <bdi>{shownText(title, 80)}</bdi>
            </td>
            <td data-label="Told at" class="address">
              {shownText(url, 200)}
            </td>
            <td>
              <form id={`server-form-${name}`} method="post" action="/admin/signals">
                <input type="hidden" name="csrf" value={csrf} />
                <input type="hidden" name="server" value={name} />
                <button
                  id={`tell-${name}`}
                  class="button button-small"
                  type="submit"
                  name="do"
                  value="tell"
                  aria-label={`Test ${shownText(title, 80)}`}
                >
                  Test
                </button>
              </form>
            </td>
          </tr>
        ))}
      />
    </section>
  )
}
