// A real identity provider for the tests: panva's certified oidc-provider. The name typed at its sign-in decides who is
// vouched for: "ada@x.example" is a verified address, "unverified ada@x.example" one that is not, "twin ada@x.example"
// another person who has got the same address.
import Provider from "oidc-provider";

const { PORT, BASE, CLIENT_SECRET } = process.env;

const provider = new Provider(`http://127.0.0.1:${PORT}`, {
  clients: [
    {
      client_id: "nadir",
      client_secret: CLIENT_SECRET,
      redirect_uris: [`${BASE}/login/provider/back`],
      post_logout_redirect_uris: [`${BASE}/login?left=1`],
    },
  ],
  cookies: { keys: ["only for tests"] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  pkce: { required: () => true },
  async findAccount(_context, id) {
    const [, manner, email] = id.match(/^(?:(unverified|twin) )?(.*)$/);
    return {
      accountId: id,
      claims: async () => ({ sub: `sub-${id.replaceAll(" ", "-")}`, email, email_verified: manner !== "unverified" }),
    };
  },
});

provider.listen(Number(PORT), "127.0.0.1", () => console.log("ready"));
