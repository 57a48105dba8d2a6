// The step before everything that can hurt: what exactly would happen, to whom, and why the administrator wants it.
import { shownText } from '../shown.ts'
import type { Intent } from '../confirm-path.ts'
import { portalPage } from './frame.tsx'

export interface ConfirmView {
  readonly intent: Intent
  readonly csrf: string
  /** `Revoke everything of Alice Archer?` */
  readonly question: string
  /** What would happen, sentence by sentence, with the counts of this moment. */
  readonly effects: readonly string[]
  /** What the button says: `Revoke`. */
  readonly button: string
  /** Nothing is taken away by it. */
  readonly isHarmless: boolean
  /** Where to go back to. */
  readonly back: string
  /** What has to be typed before it is done; for what can not be meant by accident. */
  readonly typed?: string | undefined
  readonly complaint?: string | undefined
}

export const LONGEST_REASON = 300

export function confirmPage(view: ConfirmView): string {
  const { intent, question, effects, complaint } = view
  return portalPage({
    title: shownText(question, 120),
    place: intent.what === 'client' ? '/admin/clients' : intent.what === 'everyone' ? '/admin' : '/admin/people',
    width: 'middle',
    children: (
      <article class="card" id="confirm">
        <h1>
          <bdi>{shownText(question, 200)}</bdi>
        </h1>
        <ul class="effects" id="effects">
          {effects.map((effect) => (
            <li>
              <bdi>{shownText(effect)}</bdi>
            </li>
          ))}
        </ul>
        {complaint !== undefined && (
          <p class="note note-danger" id="complaint" role="alert">
            {complaint}
          </p>
        )}
        <Decision {...view} />
      </article>
    ),
  })
}

function Decision({ intent, csrf, button, isHarmless, back, typed }: ConfirmView) {
  const { action, what, id, sub } = intent
  return (
    <form id="decide" class="stack" method="post" action="/admin/confirm">
      <input type="hidden" name="csrf" value={csrf} />
      <input type="hidden" name="action" value={action} />
      <input type="hidden" name="what" value={what} />
      {id !== undefined && <input type="hidden" name="id" value={id} />}
      {sub !== undefined && <input type="hidden" name="sub" value={sub} />}
      <div class="field">
        <label for="reason">Why? The receipt and the event log keep it.</label>
        <input class="input" id="reason" name="reason" required maxlength={LONGEST_REASON} autocomplete="off" />
      </div>
      {typed !== undefined && (
        <div class="field">
          <label for="typed">
            Type <code>{typed}</code> to go on
          </label>
          <input class="input" id="typed" name="typed" required maxlength={40} autocomplete="off" />
        </div>
      )}
      <div class="actions">
        <a class="button" id="back" href={back}>
          Do nothing
        </a>
        <button class={isHarmless ? 'button button-primary' : 'button button-danger'} id="do" type="submit">
          {button}
        </button>
      </div>
    </form>
  )
}
