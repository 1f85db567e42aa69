/** A text that is being written: where the caret stands, and putting words into it. */
export class Field {
  area = $state<HTMLTextAreaElement>();
  caret = $state(0);

  readonly #write: (text: string) => void;

  /** `write` takes what the text is where the browser does not tell of it as of typing. */
  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  focus = (): void => this.area?.focus();

  /** Goes on behind the last letter. */
  end(): void {
    this.focus();
    this.area?.setSelectionRange(this.area.value.length, this.area.value.length);
    this.look();
  }

  /** Notes where the caret stands. */
  look = (): void => void (this.caret = this.area?.selectionStart ?? 0);

  /** As high as the text, up to a limit. */
  grow = (): void => {
    if (!this.area) return;
    this.area.style.height = 'auto';
    this.area.style.height = `${Math.min(this.area.scrollHeight, 168)}px`;
  };

  /** Puts words in the place of others, so that Ctrl Z takes them out again. */
  put(words: string, from: number, until: number): void {
    if (!this.area) return;
    this.area.focus();
    this.area.setSelectionRange(from, until);
    if (!document.execCommand('insertText', false, words)) {
      this.area.setRangeText(words, from, until, 'end');
      this.#write(this.area.value);
    }
    this.look();
  }

  /** Puts words where the caret stands. */
  putHere = (words: string): void =>
    this.put(words, this.area?.selectionStart ?? 0, this.area?.selectionEnd ?? 0);

  /** Begins a word with a sign where the caret stands. */
  begin(sign: string): void {
    const before = this.area?.value.slice(0, this.area.selectionStart) ?? '';
    this.putHere(before === '' || /\s$/.test(before) ? sign : ` ${sign}`);
  }
}
