//! From answers of commands to answers of HTTP.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use balcao_api::ApiError;

/// The one error shape with the status that fits its code.
pub(crate) struct Problem {
    status: StatusCode,
    error: ApiError,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &str, message: &str) -> Self {
        let error = ApiError { code: code.to_owned(), message: message.to_owned(), reference: None };
        Self { status, error }
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        let status = match error.code.as_str() {
            "unknown_command" => StatusCode::NOT_FOUND,
            "bad_payload" => StatusCode::BAD_REQUEST,
            "internal" => StatusCode::INTERNAL_SERVER_ERROR,
            // Anything else is a refusal: the request was understood, and the answer is no.
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self { status, error }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, Json(self.error)).into_response()
    }
}
