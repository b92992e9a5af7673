/** The name of a script that the build made of the module, and of nothing else. */
declare module "worker:*" {
  const name: string;
  export default name;
}
declare module "apart:*" {
  const name: string;
  export default name;
}
