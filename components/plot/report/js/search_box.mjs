import { formatCount } from "../../../../byheart/pages/js/words.mjs";
import { countNoun } from "./elements.mjs";
import { search } from "./search.mjs";

const WAIT = 120;

/** The search of the text: hits are marked, counted, and gone through. */
export class SearchBox {
  constructor({ onHits, onGo }) {
    this.input = document.getElementById("search");
    this.count = document.getElementById("search-count");
    this.count.setAttribute("aria-live", "polite");
    Object.assign(this, { onHits, onGo, hits: [], here: -1 });
    let timer = 0;
    this.input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#search(), WAIT);
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      clearTimeout(timer);
      if (this.input.value !== this.searched) this.#search();
      this.step(event.shiftKey ? -1 : 1);
    });
  }

  /** Searches in another book, or in the same, coloured otherwise. */
  show(book, colouring) {
    const isNew = book !== this.book;
    Object.assign(this, { book, colouring });
    this.input.disabled = !book.hasText;
    if (isNew) this.#search();
    else this.#sayCount();
  }

  /** Searches in no book. */
  leave() {
    this.book = null;
    this.input.disabled = true;
    this.#search();
  }

  /** Goes to the next hit, or with -1 to the one before. */
  step(by) {
    if (!this.hits.length) return;
    const count = this.hits.length;
    this.here = this.here < 0 ? (by > 0 ? 0 : count - 1) : (this.here + by + count) % count;
    this.#sayCount();
    this.onHits(this.hits, this.here);
    this.onGo(this.hits[this.here].start);
  }

  /** Forgets the query. */
  clear() {
    this.input.value = "";
    this.#search();
  }

  #search() {
    this.searched = this.input.value;
    this.hits = this.book && this.book.hasText ? search(this.book, this.searched) : [];
    this.here = -1;
    this.#sayCount();
    this.onHits(this.hits, this.here);
  }

  #sayCount() {
    if (!this.searched?.trim() || !this.book?.hasText) {
      this.count.textContent = "";
      return;
    }
    const coloured = this.hits.filter(({ start }) => this.colouring.isColoured(start)).length;
    const place = this.here < 0 ? "" : `${formatCount(this.here + 1)} of `;
    this.count.textContent = this.hits.length ? `${place}${countNoun(this.hits.length, "hit")}, ${formatCount(coloured)} coloured` : "no hit";
  }
}
