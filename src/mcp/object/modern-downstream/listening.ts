// What a server of 2026-07-28 says unasked to one session: one `subscriptions/listen` at a time, as the stream a GET would have opened.
//
// A stream that ends is opened again by whoever reads it, in the person's name as it is then. What a server that broke off may have said
// meanwhile is lost, because nothing is resumed in that era; so each list that could have changed is said to have.
import { randomId } from '../../../platform/crypto.ts'
import { describeError, log } from '../../../platform/telemetry.ts'
import type { ModernSession } from '../../../session/store/modern-sessions.ts'
import { acknowledgedIn, allChanged, filterOf, withoutSubscriptionId, type HonouredFilter } from '../../bridge/listen-filter.ts'
import { answersId } from '../../bridge/legacy-answer.ts'
import { modernHeaders, ownModernRequest } from '../../bridge/modern-request.ts'
import { isEventStream } from '../../downstream/passing-headers.ts'
import { jsonIn } from '../../message/response.ts'
import { EVENT_STREAM_HEADERS } from '../../../platform/event-stream.ts'
import { isMessage, readEvents } from '../../sse/sse.ts'
import { Feed } from '../http-sse/feed.ts'
import { postModern, type ModernWay } from './modern-way.ts'

/** How long a server may take to say what it will send, in milliseconds. */
const ACKNOWLEDGED_MS = 10_000

const METHOD = 'subscriptions/listen'

export interface ListeningOptions {
  /** As it is now. */
  readonly session: () => ModernSession
  readonly maxEventBytes: number
  readonly waitUntil: (work: Promise<unknown>) => void
}

interface Listen {
  readonly end: AbortController
  /** Undefined where the server ended before it had said. */
  readonly acknowledged: Promise<HonouredFilter | undefined>
}

export class Listening {
  readonly #options: ListeningOptions
  #feed: Feed | undefined
  #listen: Listen | undefined
  #unbind: (() => void) | undefined
  /** The one before has broken off: something may have been missed. */
  #hasMissed = false
  #changing: Promise<unknown> = Promise.resolve()

  constructor(options: ListeningOptions) {
    this.#options = options
  }

  /** The stream of a GET; undefined where the server refuses to be listened to. The newest one wins. */
  async open(way: ModernWay, isAgain: boolean): Promise<Response | undefined> {
    this.end()
    const feed = new Feed()
    this.#feed = feed
    const stop = (): void => this.#drop(feed)
    way.signal.addEventListener('abort', stop, { once: true })
    this.#unbind = () => way.signal.removeEventListener('abort', stop)
    const { offers, subscribed } = this.#options.session()
    const filter = filterOf(offers, subscribed)
    if (filter === undefined) return new Response(feed.body, { headers: EVENT_STREAM_HEADERS })
    const listen = await this.#begin(way, filter, feed, way.signal)
    if (listen instanceof Response) {
      this.#drop(feed)
      if (listen.status >= 500 || REFUSED_PERSON.includes(listen.status)) return listen
      await listen.body?.cancel()
      return undefined
    }
    if (way.signal.aborted) stop()
    this.#options.waitUntil(this.#told(listen, feed, isAgain || this.#hasMissed))
    this.#hasMissed = false
    return new Response(feed.body, { headers: EVENT_STREAM_HEADERS })
  }

  /** Whether the server will tell of this resource; what is listened to now is what these URIs are. One change after another. */
  async change(subscribed: readonly string[], way: ModernWay, uri?: string): Promise<boolean> {
    const changed = this.#changing.then(() => this.#changed(subscribed, way, uri))
    this.#changing = changed.catch(() => undefined)
    return await changed
  }

  end(): void {
    if (this.#feed) this.#drop(this.#feed)
  }

  /** The new one before the old one goes, so that nothing is missed between them. */
  async #changed(subscribed: readonly string[], way: ModernWay, uri: string | undefined): Promise<boolean> {
    const feed = this.#feed
    const filter = filterOf(this.#options.session().offers, subscribed)
    if (filter === undefined || (uri === undefined && !feed)) {
      this.#listen?.end.abort('nothing is listened to')
      this.#listen = undefined
      return true
    }
    const listen = await this.#begin(way, filter, feed, undefined)
    if (listen instanceof Response) {
      await listen.body?.cancel()
      return false
    }
    const honoured = await listen.acknowledged
    const isTaken = uri === undefined || honoured?.resourceSubscriptions.includes(uri) === true
    if (!isTaken || feed !== this.#feed || !feed) listen.end.abort('not kept')
    else {
      this.#listen?.end.abort('replaced')
      this.#listen = listen
    }
    return isTaken
  }

  async #begin(
    way: ModernWay,
    filter: string,
    feed: Feed | undefined,
    ends: AbortSignal | undefined,
  ): Promise<Listen | Response> {
    const end = new AbortController()
    const late = setTimeout(() => end.abort('not acknowledged in time'), ACKNOWLEDGED_MS)
    const stop = (): void => end.abort(ends?.reason)
    ends?.addEventListener('abort', stop, { once: true })
    const id = `listen-${randomId(9)}`
    const message = ownModernRequest(id, METHOD, this.#options.session(), `{"notifications":${filter}}`)
    try {
      const answer = await postModern({ ...way, signal: end.signal }, message, modernHeaders(METHOD, {}))
      if (!answer.ok || !isEventStream(answer) || !answer.body) {
        clearTimeout(late)
        return answer
      }
      const acknowledged = Promise.withResolvers<HonouredFilter | undefined>()
      const listen: Listen = { end, acknowledged: acknowledged.promise }
      // Before anything of it is read: it may be over at once.
      if (ends) this.#listen = listen
      const reading = this.#read(answer.body, JSON.stringify(id), listen, feed, (honoured) => {
        clearTimeout(late)
        acknowledged.resolve(honoured)
      })
      this.#options.waitUntil(reading.finally(() => ends?.removeEventListener('abort', stop)))
      return listen
    } catch (error) {
      clearTimeout(late)
      ends?.removeEventListener('abort', stop)
      throw error
    }
  }

  async #read(
    body: ReadableStream<Uint8Array>,
    id: string,
    listen: Listen,
    feed: Feed | undefined,
    acknowledged: (honoured: HonouredFilter | undefined) => void,
  ): Promise<void> {
    let isGraceful = false
    try {
      for await (const event of readEvents(body, { maxEventBytes: this.#options.maxEventBytes })) {
        if (!isMessage(event)) continue
        const honoured = acknowledgedIn(event.data)
        if (honoured) {
          acknowledged(honoured)
          continue
        }
        const message = jsonIn(event.data)
        if (answersId(message, id)) {
          isGraceful = true
          break
        }
        const isNotification = typeof message === 'object' && message !== null && 'method' in message && !('id' in message)
        if (isNotification && feed === this.#feed) await feed?.send(withoutSubscriptionId(event.data), eventId())
      }
    } catch (error) {
      if (!listen.end.signal.aborted) log('info', 'downstream.connection_broken', { reason: describeError(error) })
    }
    acknowledged(undefined)
    if (listen.end.signal.aborted && listen !== this.#listen) return
    if (feed === undefined || this.#feed !== feed || this.#listen !== listen) return
    this.#hasMissed = !isGraceful
    // Whoever reads it sees that it got somewhere, and opens it again.
    await feed.mark(eventId())
    this.#drop(feed)
  }

  async #told(listen: Listen, feed: Feed, hasMissed: boolean): Promise<void> {
    const honoured = await listen.acknowledged
    if (!honoured || !hasMissed) return
    for (const message of allChanged(honoured)) await feed.send(message, eventId())
  }

  #drop(feed: Feed): void {
    feed.end()
    if (this.#feed !== feed) return
    this.#unbind?.()
    this.#listen?.end.abort('nobody listens')
    this.#feed = undefined
    this.#listen = undefined
  }
}

const REFUSED_PERSON: readonly number[] = [401, 403, 407, 408, 429]

/** Never the same one twice, not even after a restart. */
function eventId(): string {
  return `l:${randomId(9)}`
}
