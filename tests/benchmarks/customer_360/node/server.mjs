// customer-360 on fastify and undici, the same three calls and the same answer. No policies.
import { readFileSync } from "node:fs";
import Fastify from "fastify";
import { Agent, request, setGlobalDispatcher } from "undici";

const plan = JSON.parse(readFileSync(process.env.CUSTOMER_360_PLAN, "utf8"));
setGlobalDispatcher(new Agent({ connections: 256 }));

const quoteStates = {
  Draft: "draft", "In Review": "in-review", "Needs Review": "in-review", Approved: "approved",
  Presented: "approved", Rejected: "rejected", Denied: "rejected", Accepted: "accepted",
};

async function call(planned, place, value) {
  const { statusCode, body } = await request(planned.url.replaceAll(place, value), { headers: planned.headers });
  if (statusCode !== 200) throw new Error(`The backend answered ${statusCode}.`);
  return body.json();
}

const children = (account, name) => account[name]?.records ?? [];
const amount = (text) => Number(text).toFixed(2);

// Omits what is empty, as the other applications do.
function compact(object) {
  for (const name in object) {
    const value = object[name];
    if (value === "" || value === null || value === undefined || value === false) delete object[name];
    else if (Array.isArray(value) && value.length === 0) delete object[name];
  }
  return object;
}

function address(found) {
  return found && compact({
    street: found.street, city: found.city, region: found.stateCode ?? found.state,
    postalCode: found.postalCode, country: found.countryCode ?? found.country,
  });
}

function contact(found) {
  const name = `${found.FirstName ?? ""} ${found.LastName ?? ""}`.trim();
  return compact({ name, title: found.Title, email: found.Email, phone: found.Phone });
}

function quote(found) {
  return compact({
    quoteId: found.Id, number: found.QuoteNumber, name: found.Name, state: quoteStates[found.Status] ?? "draft",
    total: { amount: String(found.GrandTotal), currency: found.CurrencyIsoCode }, expires: found.ExpirationDate,
  });
}

function credit(found) {
  const account = found.to_CreditMgmtAccountTP.results[0];
  return account && compact({
    limit: { amount: amount(account.CreditLimitAmount), currency: account.CreditSegmentCurrency },
    blocked: account.CreditAccountIsBlocked,
  });
}

function state(found) {
  if (found.OverallSDDocumentRejectionSts === "C") return "cancelled";
  if (found.OverallTotalDeliveryStatus === "C") {
    const following = found.to_SubsequentProcFlowDoc.results.map((each) => each.SubsequentDocumentCategory);
    const count = (category) => following.filter((each) => each === category).length;
    return found.OverallOrdReltdBillgStatus === "C" || count("M") > count("N") ? "invoiced" : "delivered";
  }
  if (found.OverallTotalDeliveryStatus === "B") return "in-delivery";
  return found.TotalCreditCheckStatus === "B" || found.DeliveryBlockReason ? "blocked" : "open";
}

function order(found) {
  const number = found.SalesOrder;
  return {
    orderId: number, number, state: state(found),
    total: { amount: amount(found.TotalNetAmount), currency: found.TransactionCurrency }, erpOrderId: number,
  };
}

function merged(account, creditProfile, orders) {
  const asOf = new Date().toISOString();
  const sources = [["customer", "crm"], ["credit", "erp"], ["erp-orders", "erp"]];
  return compact({
    customerId: account.Id, name: account.Name, phone: account.Phone, website: account.Website,
    industry: account.Industry, address: address(account.BillingAddress), credit: credit(creditProfile),
    contacts: children(account, "Contacts").map(contact), quotes: children(account, "Quotes").map(quote),
    orders: orders.map(order),
    sources: sources.map(([part, system]) => ({ part, source: { system, asOf } })),
  });
}

const fastify = Fastify();
fastify.get("/customers/:customerId", async ({ params }) => {
  const account = (await call(plan.overview, "{customer}", params.customerId)).records[0];
  const number = account[plan.number_field];
  const [profile, orders] = await Promise.all([
    call(plan.credit, "{partner}", plan.partners[number]),
    call(plan.orders, "{number}", number),
  ]);
  return merged(account, profile.d, orders.d.results);
});
await fastify.listen({ host: "127.0.0.1", port: Number(process.argv[2]) });
