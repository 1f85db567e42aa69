declare module '*/data.json?emoji' {
  /** Sign, group, name, further words, and where it shows people, the sign in each of the five tones of skin. */
  const list: [string, number, string, string, string[]?][];
  export default list;
}
