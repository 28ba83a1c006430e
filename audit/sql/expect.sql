-- Ends the transaction with `otherwise` as the message unless `ok`: a pipeline needs no look at an answer in between.
CREATE FUNCTION hitl_expect(ok boolean, otherwise text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF ok IS NOT TRUE THEN
    RAISE EXCEPTION '%', otherwise USING ERRCODE = 'HT001';
  END IF;
END $$;
