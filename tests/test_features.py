"""What people expect of a messenger, and the tests that show each part of it.

A row whose test is renamed or removed fails here, so that it gets another one or goes.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent

FEATURES: dict[str, tuple[str, ...]] = {
    # -- messages --
    "typed Markdown is formatted": (
        "messenger/test_typed.py::test_typed_markdown_is_shown_and_sent_with_its_formatting",
        "messenger/test_markdown.py::test_markdown_becomes_the_html_that_matrix_names",
        "interop/test_messages.py::test_what_is_typed_here_is_in_element_what_it_is_meant_to_be",
    ),
    "formatted text is drawn: bold, lists, quotes, links, code": (
        "core/test_formatted.py::test_styles_add_up",
        "core/test_formatted.py::test_lists_have_bullets_numbers_and_a_hanging_indent",
        "core/test_formatted.py::test_quotes_have_bars",
        "core/test_formatted.py::test_a_link_shows_where_it_leads_unless_its_text_does",
        "core/test_formatted.py::test_code_keeps_its_spaces_and_is_coloured_by_its_language",
        "ui/test_timeline_view.py::test_formatted_text_is_drawn_in_place_of_the_body",
        "interop/test_messages.py::test_formatting_mention_and_spoiler_of_element_are_read_here",
    ),
    "replies, with a quote and a jump to it": (
        "ui/test_relations.py::test_reply_is_announced_sent_and_shown_above_the_answer",
        "ui/test_relations.py::test_g_goes_to_the_answered_message_also_where_it_has_to_be_loaded",
        "interop/test_relations.py::test_what_is_done_here_is_seen_in_element",
        "interop/test_relations.py::test_what_is_done_in_element_is_seen_here",
        "interop/test_messages.py::"
        "test_answer_with_the_quotation_of_older_clients_is_read_without_it",
    ),
    "edits": (
        "ui/test_relations.py::test_edit_is_sent_and_gives_the_draft_back",
        "interop/test_relations.py::test_what_is_done_here_is_seen_in_element",
        "interop/test_relations.py::test_what_is_done_in_element_is_seen_here",
    ),
    "reactions by quick keys and picker": (
        "ui/test_relations.py::test_digit_reacts_and_the_same_again_takes_it_back",
        "ui/test_relations.py::test_reaction_is_found_by_its_name",
        "interop/test_relations.py::test_what_is_done_here_is_seen_in_element",
        "interop/test_relations.py::test_what_is_done_in_element_is_seen_here",
    ),
    "redactions": (
        "ui/test_relations.py::test_deleting_asks_and_shows_at_once",
        "interop/test_relations.py::test_what_is_done_here_is_seen_in_element",
        "interop/test_relations.py::test_what_is_done_in_element_is_seen_here",
    ),
    "threads as replies with their root": (
        "ui/test_relations.py::test_message_in_a_thread_names_its_root_and_is_answered_there",
        "interop/test_relations.py::test_thread_of_element_is_answered_in_the_thread",
    ),
    "emotes and notices": (
        "ui/test_completing.py::test_what_i_do_is_sent_as_an_emote_and_stays_one_when_edited",
        "interop/test_messages.py::test_what_is_said_in_element_is_read_here",
        "interop/test_messages.py::test_what_is_typed_here_is_in_element_what_it_is_meant_to_be",
    ),
    "mentions with completion": (
        "ui/test_completing.py::test_people_of_the_conversation_are_completed_to_their_ids",
        "interop/test_messages.py::test_formatting_mention_and_spoiler_of_element_are_read_here",
        "interop/test_messages.py::test_what_is_typed_here_is_in_element_what_it_is_meant_to_be",
    ),
    "emoji by their names": ("ui/test_completing.py::test_tab_completes_an_emoji",),
    "spoilers": (
        "ui/test_timeline_view.py::test_spoiler_shows_and_hides_with_a_key",
        "store/test_spoilers.py::test_a_spoiler_stays_hidden_in_the_list_and_in_notifications",
        "interop/test_messages.py::test_formatting_mention_and_spoiler_of_element_are_read_here",
    ),
    "places and polls are readable, unknown types are named": (
        "ui/test_timeline_view.py::test_every_kind_is_said_in_words",
        "interop/test_messages.py::test_what_is_said_in_element_is_read_here",
    ),
    "what belongs together finds together in any order of arrival": (
        "store/test_relations.py::test_newest_edit_wins_in_any_order",
        "store/test_relations.py::test_redacted_message_is_gone_in_any_order",
        "store/test_relations.py::test_late_key_of_an_edit_changes_its_target",
        "store/test_relating.py::test_reactions_count_everybody_once_in_any_order",
        "store/test_relating.py::test_reaction_that_came_before_its_message_is_shown_with_it",
        "interop/test_relations.py::test_what_happened_while_away_is_right_whatever_is_told_first",
    ),
    # -- files and images --
    "files are sent by their path, which completes": (
        "ui/test_files.py::test_file_is_sent_with_its_caption_once_the_user_has_agreed",
        "ui/test_files.py::test_path_is_completed_and_a_wrong_one_is_told",
    ),
    "files are sent by a dropped or pasted path": (
        "ui/test_files.py::test_pasted_path_offers_to_send_the_file_instead",
        "ui/test_files.py::test_paths_are_read_as_terminals_send_them",
    ),
    "files are encrypted where the chat is": (
        "messenger/test_attaching.py::test_file_for_an_encrypted_chat_is_encrypted",
        "homeserver/test_media.py::test_homeserver_never_sees_what_is_in_an_encrypted_file",
        "interop/test_files.py::test_file_sent_in_element_is_saved_here",
        "interop/test_files.py::test_picture_sent_here_is_read_in_element_with_its_thumbnail",
    ),
    "progress, and an end to it": (
        "ui/test_files.py::test_save_shows_its_progress_and_d_ends_it",
        "messenger/test_attaching.py::test_upload_that_the_user_ends_can_be_taken_up_again",
    ),
    "files are saved under a safe name": (
        "messenger/test_saving.py::test_name_leads_nowhere_else",
        "core/test_attachments.py::test_name_of_a_saved_file_is_one_harmless_part_of_a_path",
    ),
    "voice messages and videos are files with their facts": (
        "core/test_attachments.py::test_attachment_is_described_by_its_facts",
        "interop/test_messages.py::test_what_is_said_in_element_is_read_here",
    ),
    "images are shown in the conversation, in any terminal": (
        "ui/test_images.py::test_image_is_shown_small_below_its_name",
        "messenger/test_previews.py::"
        "test_nothing_above_the_limit_is_fetched_and_a_lie_about_it_ends_there",
        "interop/test_files.py::test_picture_sent_in_element_has_its_preview_here",
    ),
    "images are drawn sharply where the terminal can": (
        "ui/test_images.py::test_kitty_is_handed_the_image_draws_it_and_lets_go_of_it",
        "ui/test_images.py::test_sixels_are_drawn_after_whatever_was_painted",
        "ui/test_files.py::test_image_is_looked_at_in_half_blocks",
    ),
    "a picture of the clipboard is sent": (
        "ui/test_files.py::test_picture_in_the_clipboard_is_sent_once_the_user_has_agreed",
    ),
    # -- search --
    "local search, whatever case and accents": (
        "store/test_search.py::test_all_words_must_stand_in_a_message_the_last_one_may_go_on",
        "store/test_search.py::test_accents_and_case_make_no_difference",
        "store/test_search.py::test_what_is_decrypted_later_is_found_then",
        "store/test_search.py::test_the_index_says_the_same_as_reading_everything",
    ),
    "search here and everywhere": (
        "ui/test_search.py::test_ctrl_f_finds_in_the_chat_and_counts_the_hits",
        "ui/test_search.py::test_f5_searches_all_chats_and_enter_goes_to_the_message",
    ),
    "search by sender, file and day": (
        "core/test_search.py::test_filters_are_read",
        "store/test_search.py::test_senders_files_links_and_days_narrow_it",
    ),
    "a jump to a hit with what was said around it": (
        "ui/test_jump.py::test_an_old_message_is_shown_selected_with_what_was_said_around_it",
    ),
    "search reads no whole table": (
        "store/test_disk.py::test_hot_queries_neither_scan_a_table_nor_sort",
    ),
    # -- composer --
    "it grows": ("ui/test_composer.py::test_it_grows_with_the_text_up_to_eight_lines",),
    "undo": ("ui/test_composer.py::test_undo_brings_back_what_was_deleted_and_sent",),
    "drafts stay, and show in the list": (
        "ui/test_conversation.py::test_draft_survives_switching_and_restart",
        "ui/test_people_list.py::test_state_is_said_in_words",
    ),
    "an editor of one's own": (
        "ui/test_editor.py::test_composer_takes_what_was_written_and_can_undo_it",
    ),
    "slash commands are those of the palette": (
        "ui/test_completing.py::test_commands_follow_the_registry",
        "ui/test_completing.py::test_every_command_of_the_palette_has_a_short_name_of_its_own",
        "ui/test_completing.py::test_command_is_completed_and_carried_out",
    ),
    "pasting is safe": (
        "ui/test_composer.py::test_pasted_lines_are_inserted_and_never_sent",
        "ui/test_pasting.py::test_colours_in_a_paste_are_no_keys",
    ),
    "what could not be sent keeps its text": (
        "ui/test_conversation.py::test_failed_message_is_edited_and_sent_in_its_place",
        "ui/test_conversation.py::"
        "test_text_that_could_not_be_queued_is_kept_before_what_was_typed_since",
        "homeserver/test_never_loses.py::test_message_of_a_killed_process_arrives_once",
    ),
    # -- reading --
    "a line before what is unread, and a jump to it": (
        "ui/test_conversation.py::"
        "test_line_of_new_messages_stands_before_the_first_unread_or_nowhere",
        "ui/test_places.py::test_first_unread_message_is_gone_to_also_after_it_was_read",
    ),
    "next unread person": ("ui/test_main_screen.py::test_f3_goes_to_the_next_unread",),
    "receipts": (
        "store/test_unread.py::test_peer_receipt_marks_own_messages_read",
        "interop/test_messages.py::test_reading_is_told_both_ways",
    ),
    "marks of unread": (
        "ui/test_arranging.py::test_u_reads_without_opening_and_marks_what_is_read",
        "messenger/test_contacts.py::"
        "test_a_mark_of_unread_is_carried_out_after_a_day_offline_and_a_crash",
        "interop/test_element.py::"
        "test_my_own_element_has_the_same_chats_and_reads_what_i_send_here",
    ),
    "typing, and whether one is seen doing it": (
        "ui/test_people_list.py::"
        "test_typing_stands_in_place_of_the_last_message_but_not_of_a_draft",
        "messenger/test_privacy.py::test_typing_is_told_sparingly_and_its_end_at_once",
        "messenger/test_privacy.py::test_nobody_is_told_of_typing_where_the_settings_say_so",
        "messenger/test_privacy.py::test_receipts_are_private_where_the_settings_say_so",
        "interop/test_element.py::test_chat_started_here_is_a_direct_chat_in_element",
    ),
    "details of a message": (
        "ui/test_places.py::test_details_say_when_a_message_was_read_at_the_latest",
        "ui/test_relations.py::test_enter_tells_who_reacted_and_when_it_was_edited",
    ),
    "copying by key and mouse, through the terminal": (
        "ui/test_conversation.py::test_y_copies_the_selected_message",
        "ui/test_selecting.py::test_selected_text_is_copied_without_margin_and_marks",
        "ui/test_clipboard.py::test_copying_a_message_tells_what_came_of_it",
    ),
    "links open once their target was seen": (
        "ui/test_links.py::test_a_link_is_opened_once_its_whole_target_was_seen",
    ),
    "jumps by days and to a date": (
        "ui/test_places.py::test_days_are_gone_through_backwards_and_forwards",
        "ui/test_places.py::test_date_is_gone_to_by_name",
    ),
    "export as text, Markdown and JSON": (
        "ui/test_exporting.py::test_a_conversation_is_saved_where_the_user_says",
        "messenger/test_export.py::test_the_name_of_the_file_says_how_it_is_written",
        "test_command_line.py::test_an_export_is_private_new_and_complete_beside_a_running_app",
    ),
    # -- look --
    "light and dark themes": (
        "ui/test_commands.py::test_stylesheet_uses_theme_colours_only",
        "ui/test_timeline_view.py::test_theme_change_repaints_with_the_new_colours",
        "ui/test_contrast.py::test_every_word_on_every_screen_can_be_read",
    ),
    "people are told apart by coloured initials and their pictures": (
        "ui/test_people_list.py::test_initials_are_shown_where_there_is_room",
        "ui/test_person_card.py::test_picture_of_a_person_stands_on_their_card",
        "interop/test_profile.py::test_picture_chosen_in_element_is_shown_on_the_card",
    ),
    "right-to-left text": (
        "ui/test_settled.py::test_right_to_left_text_turns_nothing_but_itself_around",
    ),
    "nothing moves where nothing is to": (
        "ui/test_motion.py::test_no_cursor_blinks_and_nothing_glides",
    ),
    "small and large terminals": (
        "ui/test_main_screen.py::test_narrow_terminal_shows_list_or_conversation",
        "ui/test_main_screen.py::test_widening_the_terminal_brings_the_list_back",
        "ui/test_invite_prompt.py::test_all_keys_are_named_on_a_small_screen",
        "ui/test_every_screen.py::test_nothing_is_cut_in_any_size",
    ),
    "wide and combined characters keep their places": (
        "ui/test_people_list.py::test_wide_names_keep_the_time_aligned",
        "ui/test_timeline_view.py::test_wide_and_combined_characters_fill_their_lines_exactly",
    ),
    "a plain mode for screen readers": (
        "ui/test_plain.py::test_list_says_in_words_how_things_stand",
        "ui/test_plain.py::test_messages_are_lines_that_say_how_far_they_are",
    ),
    # -- keys --
    "three sets of keys": (
        "ui/test_key_profiles.py::test_a_whole_conversation_goes_by_the_keyboard_alone",
    ),
    "other keys in the settings": (
        "ui/test_commands.py::test_keymap_moves_a_command_to_another_key",
        "test_config.py::test_keys_change_places_and_fall_away",
    ),
    "settings are changed in the app": (
        "ui/test_settings.py::test_settings_change_by_the_keyboard_alone",
        "ui/test_settings.py::test_key_is_pressed_for_a_command_and_works_at_once",
    ),
    "help, palette and hints are derived": (
        "ui/test_commands.py::test_help_names_every_command",
        "ui/test_commands.py::test_hints_name_the_keys_of_the_scope_first",
        "ui/test_commands.py::test_screen_names_the_keys_of_the_user",
    ),
    "the mouse": (
        "ui/test_people_list.py::test_click_and_wheel_reach_people_below",
        "ui/test_timeline_view.py::test_click_selects_the_message_under_the_mouse",
    ),
    # -- profile --
    "one's own name and status": (
        "ui/test_own_profile.py::test_name_and_status_are_changed",
        "interop/test_messages.py::test_names_that_people_give_themselves_are_seen_both_ways",
    ),
    "one's own picture": (
        "ui/test_own_profile.py::test_picture_is_chosen_by_its_path_shown_and_removed",
        "interop/test_profile.py::test_picture_chosen_here_is_seen_in_element_until_it_is_removed",
    ),
    "presence": (
        "ui/test_own_profile.py::test_presence_is_chosen_and_what_dmtui_says_is_shown",
        "interop/test_profile.py::test_presence_chosen_here_is_seen_in_element",
    ),
    "ignored people": (
        "ui/test_requests_list.py::test_person_is_ignored_and_heard_again",
        "interop/test_messages.py::test_ignored_people_are_the_same_in_my_element",
    ),
    "sessions, and an end to them": (
        "ui/test_own_devices.py::test_devices_are_listed_unconfirmed_first_and_this_one_is_marked",
        "ui/test_own_devices.py::test_device_is_signed_out_for_the_password_once_asked",
    ),
}


@cache
def names_in(module: str) -> frozenset[str]:
    tree = ast.parse((HERE / module).read_text("utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in tree.body if isinstance(node, functions))


@pytest.mark.parametrize("feature", FEATURES)
def test_feature_is_shown_by_tests_that_exist(feature: str) -> None:
    for named in FEATURES[feature]:
        module, _, test = named.partition("::")
        assert test in names_in(module), named
