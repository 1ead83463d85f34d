/** The link to a character of a text: `#name/24553`. */
export function formatAddress(name, point) {
  return `#${encodeURIComponent(name)}/${point}`;
}

/** What a link names: {name, point}, point null for the whole text; null if it is no such link. */
export function parseAddress(hash) {
  const match = /^#([^/]+)(?:\/(\d{1,12}))?$/.exec(hash);
  if (!match) return null;
  try {
    return { name: decodeURIComponent(match[1]), point: match[2] === undefined ? null : Number(match[2]) };
  } catch {
    return null;
  }
}

/** Puts a link into the address bar, where the page has one of its own: in a sandboxed frame it has none. */
export function rememberAddress(hash) {
  try {
    history.replaceState(null, "", hash);
  } catch {
    // The frame's document has no address.
  }
}

/** A person's choice that outlives the page, where the browser lets it: `fallback` elsewhere. */
export function recall(name, fallback) {
  try {
    return localStorage.getItem(`byheart.${name}`) ?? fallback;
  } catch {
    return fallback;
  }
}

/** Keeps such a choice. */
export function keep(name, value) {
  try {
    localStorage.setItem(`byheart.${name}`, value);
  } catch {
    // A sandboxed frame has no storage: the choice lasts as long as the page.
  }
}
