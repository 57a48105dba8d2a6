// One thing that is wrong with the settings, and what every part of them asks alike.
export interface SettingsProblem {
  readonly variable: string
  readonly problem: string
  readonly cure: string
}

export function isOpenHttp(text = ''): boolean {
  const url = URL.parse(text)
  return url?.protocol === 'http:' && !/^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
}
