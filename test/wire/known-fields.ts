/**
 * Names of fields that the world uses: the permanent ones of IANA's registry (RFC 9110 §16.3.1), and some that it does not
 * have and everybody knows. Without those that frame or route a message and are refused with any value.
 */
const registered = `A-IM Accept Accept-Additions Accept-CH Accept-Charset Accept-Datetime Accept-Encoding Accept-Features
Accept-Language Accept-Patch Accept-Post Accept-Query Accept-Ranges Accept-Signature Access-Control-Allow-Credentials
Access-Control-Allow-Headers Access-Control-Allow-Methods Access-Control-Allow-Origin Access-Control-Expose-Headers
Access-Control-Max-Age Access-Control-Request-Headers Access-Control-Request-Method Age Allow ALPN Alt-Svc Alt-Used
Alternates Apply-To-Redirect-Ref Authentication-Control Authentication-Info Authorization Available-Dictionary
Cache-Control Cache-Group-Invalidation Cache-Groups Cache-Status CAL-Managed-ID CalDAV-Timezones Capsule-Protocol
CDN-Cache-Control CDN-Loop Cert-Not-After Cert-Not-Before Clear-Site-Data Client-Cert Client-Cert-Chain Close
Connection-Timing Content-Digest Content-Disposition Content-Encoding Content-Language Content-Location Content-Range
Content-Security-Policy Content-Security-Policy-Report-Only Content-Type Cookie Cross-Origin-Embedder-Policy
Cross-Origin-Opener-Policy Cross-Origin-Resource-Policy DASL Date DAV Delta-Base Deprecation Depth Destination
Dictionary-ID DPoP DPoP-Nonce Early-Data ETag Expires Forwarded From Hobareg If If-Match If-Modified-Since
If-None-Match If-Range If-Schedule-Tag-Match If-Unmodified-Since IM Include-Referred-Token-Binding-ID Keep-Alive
Label Last-Event-ID Last-Modified Link Link-Template Location Lock-Token Max-Forwards Memento-Datetime Meter MIME-Version
Negotiate NEL OData-EntityId OData-Isolation OData-MaxVersion OData-Version Ordering-Type Origin Origin-Agent-Cluster
OSCORE OSLC-Core-Version Overwrite Ping-From Ping-To Position Prefer Preference-Applied Priority Proxy-Authenticate
Proxy-Authentication-Info Proxy-Authorization Proxy-Status Public-Key-Pins Range Redirect-Ref Referer Referrer-Policy
Refresh Repeatability-Client-ID Replay-Nonce Repr-Digest Retry-After Schedule-Reply Schedule-Tag Sec-Fetch-Dest
Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User Sec-GPC Sec-Purpose Sec-Token-Binding Sec-WebSocket-Accept
Sec-WebSocket-Extensions Sec-WebSocket-Key Sec-WebSocket-Protocol Sec-WebSocket-Version Server Server-Timing Set-Cookie
Set-Txn Signature Signature-Input SLUG SoapAction Status-URI Strict-Transport-Security Sunset Surrogate-Capability
Surrogate-Control TCN TE Timeout Topic Traceparent Tracestate Trailer TTL Unencoded-Digest Upgrade Urgency URI User-Agent
Variant-Vary Vary Via Want-Content-Digest Want-Repr-Digest WWW-Authenticate X-Content-Type-Options X-Frame-Options`;

const unregistered = `HTTP2-Settings Proxy-Connection X-Real-IP X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto
X-Forwarded-Port X-Forwarded-Server X-Forwarded-Prefix X-Request-Id X-Correlation-Id X-Requested-With X-CSRF-Token
X-Amzn-Trace-Id X-B3-TraceId X-Client-IP True-Client-IP CF-Connecting-IP X-Original-URL X-Rewrite-URL X-HTTP-Method
X-HTTP-Method-Override X-Accel-Redirect X-Accel-Buffering X-Sendfile X-Powered-By X-Robots-Tag X-XSS-Protection
X-UA-Compatible X-Download-Options X-Do-Not-Track Pragma Warning Expect-CT Feature-Policy Permissions-Policy Digest
Content-MD5 Content-Version Content-Transfer-Encoding DNT Save-Data Downlink RTT ECT Viewport-Width Width SourceMap
Service-Worker Service-Worker-Allowed Upgrade-Insecure-Requests Report-To Reporting-Endpoints Timing-Allow-Origin
Idempotency-Key grpc-status grpc-message grpc-timeout X-Inverting-Proxy-User X-Forwarded-User X-Forwarded-Email X-Forwarded-Groups
X-Auth-Request-Email Remote-User X-WebAuth-User`;

export const knownFields: readonly string[] = `${registered} ${unregistered}`.split(/\s+/);
