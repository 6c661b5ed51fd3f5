use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wire::messages::api_versions::{ApiVersion, ApiVersionsResponse};
use wire::messages::join_group::JoinGroupResponse;
use wire::{Decoder, Message, RequestHeader, encode_response};

use super::*;

/// The version of JoinGroup from which on members are told to come back with an id.
const VERSION: i16 = 4;

/// Reads a request: its header, and what follows.
async fn request(stream: &mut TcpStream) -> (RequestHeader, Decoder) {
    let length = stream.read_i32().await.unwrap();
    let mut frame = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut frame).await.unwrap();
    let mut decoder = Decoder::new(frame.into());
    let header = RequestHeader::decode(&mut decoder).unwrap();
    (header, decoder)
}

async fn answer<M: Message>(stream: &mut TcpStream, header: &RequestHeader, response: &M) {
    let bytes = encode_response(response, header.api_version, header.correlation_id);
    stream.write_all(&bytes.into_bytes()).await.unwrap();
}

/// Joins at a coordinator that gives these codes and the id `one`; answers with what came of it, and the
/// ids that the requests carried.
async fn join(codes: &[ErrorCode]) -> (Result<Joined, ClientError>, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string().parse().unwrap();
    let coordinator = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (header, _) = request(&mut stream).await;
        let versions = ApiVersionsResponse {
            api_keys: vec![ApiVersion {
                api_key: JoinGroupRequest::API_KEY,
                min_version: 0,
                max_version: VERSION,
            }],
            ..ApiVersionsResponse::default()
        };
        answer(&mut stream, &header, &versions).await;
        let mut ids = Vec::new();
        for code in codes {
            let (header, mut decoder) = request(&mut stream).await;
            let joining = JoinGroupRequest::decode(&mut decoder, VERSION).unwrap();
            ids.push(joining.member_id.to_string());
            let response = JoinGroupResponse {
                error_code: code.code(),
                generation_id: 3,
                member_id: Text::from_static("one"),
                ..JoinGroupResponse::default()
            };
            answer(&mut stream, &header, &response).await;
        }
        // One request too many finds the connection closed.
        ids
    };
    let member = async {
        let mut member = GroupMember::connect(&address, "g", "t").await.unwrap();
        member.join().await
    };
    tokio::join!(member, coordinator)
}

#[tokio::test]
async fn a_member_comes_back_with_its_id_once() {
    let required = ErrorCode::MemberIdRequired;
    let (joined, ids) = join(&[required, ErrorCode::None]).await;
    assert_eq!(joined.unwrap().generation_id, 3);
    assert_eq!(ids, ["", "one"]);

    let (joined, ids) = join(&[required, required]).await;
    let error = joined.unwrap_err().to_string();
    assert_eq!(error, required.name());
    assert_eq!(ids, ["", "one"]);
}
