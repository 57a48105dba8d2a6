// The sealing key: first-time set-up, the kit to print, rotation, and what to do when a passphrase is lost. The key itself is made by the script.
import { SEALING_SCRIPT_PATH } from '../assets.ts'
import { shownText } from '../shown.ts'
import { portalPage } from './frame.tsx'
import { Actor } from '../names.tsx'
import { Table } from '../table.tsx'
import { Exact } from '../when.tsx'

interface ShownKey {
  readonly fingerprint: string
  readonly createdAt: number
  readonly by: string
  readonly byName?: string | undefined
  readonly replacedAt?: number | undefined
}

export interface SealingKeyView {
  /** Newest first. */
  readonly keys: readonly ShownKey[]
  /** Of this broker, for the kit. */
  readonly broker: string
  readonly csrf: string
  /** Where to sign in again, for whom that was some time ago. */
  readonly signInAt?: string | undefined
}

export function sealingKeyPage({ keys, broker, csrf, signInAt }: SealingKeyView): string {
  const current = keys.find(({ replacedAt }) => replacedAt === undefined)
  return portalPage({
    title: current ? 'Sealing key' : 'First-time set-up',
    place: '/admin/sealing-key',
    width: 'middle',
    head: <script type="module" src={SEALING_SCRIPT_PATH} />,
    children: (
      <div class="stack">
        <h1>{current ? 'Sealing key' : 'First-time set-up'}</h1>
        <p class="lede">
          The flight recorder seals messages to this key. Its private half is made in your browser and leaves it only wrapped,
          under a passphrase that no server hears.
        </p>
        {current ? <Current {...current} /> : <p id="no-key">There is no sealing key yet, so no messages are recorded.</p>}
        <Kit broker={broker} />
        {signInAt === undefined ? <Maker current={current} csrf={csrf} /> : <SignInAgain current={current} signInAt={signInAt} />}
        {current && <Lost />}
        {keys.length > 1 && <Earlier keys={keys.filter(({ replacedAt }) => replacedAt !== undefined)} />}
      </div>
    ),
  })
}

function Current({ fingerprint, createdAt, by, byName }: ShownKey) {
  return (
    <section class="card stack" id="current" aria-labelledby="current-title">
      <h2 id="current-title">In use</h2>
      <dl class="facts">
        <div>
          <dt>Fingerprint</dt>
          <dd>
            <code class="pick" id="current-fingerprint">
              {fingerprint}
            </code>
          </dd>
        </div>
        <div>
          <dt>Made</dt>
          <dd>
            <Exact at={createdAt} /> by <Actor actor={by} actorName={byName} />
          </dd>
        </div>
      </dl>
      <p class="fine">
        Compare it with your printed kit. If it is another, and nobody you know has replaced it, do not record messages, and look
        at <a href="/admin/events?type=sealing_key_replaced">who did</a>.
      </p>
    </section>
  )
}

/** Filled in and shown by the script, and printed. Nothing in it is sent. */
function Kit({ broker }: Pick<SealingKeyView, 'broker'>) {
  return (
    <section class="card stack" id="kit" aria-labelledby="kit-title" hidden>
      <h2 id="kit-title" tabindex={-1}>
        Break-glass kit
      </h2>
      <p>Print this page and keep it where two people can get at it. The recovery code is shown this once.</p>
      <dl class="facts">
        <div>
          <dt>Recovery code</dt>
          <dd>
            <code class="pick" id="kit-code" />
          </dd>
        </div>
        <div>
          <dt>Fingerprint</dt>
          <dd>
            <code class="pick" id="kit-fingerprint" />
          </dd>
        </div>
        <div>
          <dt>Broker</dt>
          <dd>{shownText(broker)}</dd>
        </div>
        <div>
          <dt>Made</dt>
          <dd id="kit-date" />
        </div>
      </dl>
      <ul class="effects">
        <li>Passphrase lost: the recovery code opens recordings in its place. Then replace the key.</li>
        <li>This kit lost or seen by others: replace the key at once. What was recorded before stays readable with it.</li>
        <li>Both lost: what was recorded can not be read any more by anybody. Replace the key.</li>
        <li>Wherever a fingerprint is shown, it must be this one.</li>
      </ul>
      <div class="actions">
        <button class="button" id="kit-print" type="button">
          Print
        </button>
      </div>
      <div class="stack" id="kit-confirm">
        <div class="field">
          <label for="kit-typed">To go on, type the last five characters of the recovery code from your paper</label>
          <input class="input" id="kit-typed" autocomplete="off" spellcheck={false} maxlength={10} />
        </div>
        <div class="actions">
          <button class="button button-primary" id="kit-save" type="button">
            Put this key in place
          </button>
        </div>
      </div>
      <p id="kit-status" role="status" />
      <p class="note note-ok" id="kit-saved" hidden>
        <strong>In place.</strong> <a id="kit-receipt">Its receipt</a> says who made it and why.{' '}
        <a href="/admin/sealing-key">Go on</a>
      </p>
    </section>
  )
}

function SignInAgain({ current, signInAt }: { readonly current: ShownKey | undefined; readonly signInAt: string }) {
  return (
    <section class="card stack" id="sign-in-again" aria-labelledby="sign-in-again-title">
      <h2 id="sign-in-again-title">{current ? 'Replace it' : 'Make the key'}</h2>
      <p>Whoever makes a key has to have signed in a moment ago: a session that somebody else got hold of is not enough.</p>
      <div class="actions">
        <a class="button button-primary" href={signInAt}>
          Sign in again
        </a>
      </div>
    </section>
  )
}

/** Nothing here has a name, and nothing is in a form: what is typed goes to the script, and nowhere without one. */
function Maker({ current, csrf }: { readonly current: ShownKey | undefined; readonly csrf: string }) {
  return (
    <>
      <noscript>
        <p class="note note-warn">The key is made in the browser, and that needs JavaScript.</p>
      </noscript>
      <section
        class="card stack"
        id="key-maker"
        data-csrf={csrf}
        data-replaces={current?.fingerprint ?? ''}
        aria-labelledby="maker-title"
        hidden
      >
        <h2 id="maker-title">{current ? 'Replace it' : 'Make the key'}</h2>
        {current && <p>From then on messages are sealed to the new key. What was recorded before stays readable as it was.</p>}
        <div class="fields">
          <div class="field">
            <label for="key-passphrase">Passphrase</label>
            <input
              class="input"
              id="key-passphrase"
              type="password"
              autocomplete="new-password"
              spellcheck={false}
              aria-describedby="key-strength"
            />
          </div>
          <div class="field">
            <label for="key-again">The same again</label>
            <input class="input" id="key-again" type="password" autocomplete="new-password" spellcheck={false} />
          </div>
        </div>
        <p class="fine" id="key-strength" role="status" />
        <div class="field">
          <label for="key-reason">Why? The receipt and the event log keep it.</label>
          <input class="input" id="key-reason" maxlength={300} autocomplete="off" />
        </div>
        <div class="actions">
          <button class="button button-primary" id="key-make" type="button">
            Make the key
          </button>
          <button class="button" id="key-suggest" type="button">
            Suggest a passphrase
          </button>
        </div>
        <p id="key-status" role="status" />
      </section>
    </>
  )
}

function Lost() {
  return (
    <section class="card stack" id="lost" aria-labelledby="lost-title">
      <h2 id="lost-title">When the passphrase is lost</h2>
      <ol class="steps">
        <li>Take the printed kit. Its recovery code opens recordings where the passphrase is asked for.</li>
        <li>Replace the key above, with a passphrase you can keep, and print the new kit.</li>
        <li>Without the kit: replace the key. What was recorded before can not be read any more, by anybody.</li>
      </ol>
    </section>
  )
}

function Earlier({ keys }: Pick<SealingKeyView, 'keys'>) {
  return (
    <Table
      id="earlier"
      caption="Earlier keys: what was sealed to them opens with the passphrase of then"
      columns={['Fingerprint', 'Made', 'Replaced']}
      empty="There is none."
      rows={keys.map(({ fingerprint, createdAt, replacedAt, by, byName }) => (
        <tr>
          <td data-label="Fingerprint" class="address">
            <span class="pick">{fingerprint}</span>
          </td>
          <td data-label="Made">
            <div class="person">
              <Exact at={createdAt} />
              <span>
                by <Actor actor={by} actorName={byName} />
              </span>
            </div>
          </td>
          <td data-label="Replaced">{replacedAt !== undefined && <Exact at={replacedAt} />}</td>
        </tr>
      ))}
    />
  )
}
