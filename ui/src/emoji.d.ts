declare module '*/data.json?emoji' {
  /** Sign, group, name, further words. */
  const list: [string, number, string, string][];
  export default list;
}
