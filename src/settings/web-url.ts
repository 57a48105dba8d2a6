// An address in the settings: http or https, without credentials and without a fragment.
import * as z from 'zod'

export const webUrl = z.string().transform((text, context) => {
  const url = URL.parse(text)
  if (url && (url.protocol === 'https:' || url.protocol === 'http:') && !url.username && !url.password && !url.hash) return url
  context.addIssue({ code: 'custom', message: 'is not an http(s) URL', params: { cure: 'give it as https://host/path' } })
  return z.NEVER
})
